package bridge

import (
	"log/slog"
	"time"
)

// changed counts and logs what a step did to a session.
func (b *Bridge) changed(before, s Session, now time.Time) {
	from, to, adapter := before.State, s.State, s.Thread.Adapter
	attrs := []any{slog.String("thread", s.Thread.String()), slog.Int("session", s.No)}
	if s.Shadow { // what did not happen is not counted
		if from != to {
			b.Log.Info("session of a shadow", append(attrs, slog.String("from", string(from)), slog.String("to", string(to)))...)
		}
		return
	}
	opened := s.No - before.No
	for range opened {
		b.Meter.Opened(adapter)
		b.Log.Info("session opened", attrs...)
	}
	for range opened + one(from.Open()) - one(to.Open()) {
		b.Meter.Ended(adapter, s.EndedBy)
		b.Log.Info("session ended", append(attrs, slog.String("by", string(s.EndedBy)))...)
	}
	switch waiting := from == StateTransferring || from == StateQueued; {
	case waiting && to == StateAgent:
		if from == StateTransferring {
			b.Meter.Transferred(TransferAgent)
		}
		waited := now.Sub(before.Since)
		b.Meter.AgentCame(waited)
		b.Log.Info("agent came", append(attrs, slog.String("waited", waited.Round(time.Second).String()))...)
	case from == StateTransferring && to == StateQueued:
		b.Meter.Transferred(TransferQueued)
		b.Log.Info("waiting for an agent", attrs...)
	case from == StateTransferring && to == StateRobot:
		b.Meter.Transferred(TransferRefused)
		b.Log.Info("no agent: the transfer was refused", attrs...)
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
