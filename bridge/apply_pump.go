package bridge

import (
	"slices"
	"time"
)

// pump sends the next thing that waits, if nothing is undone and the state lets it go.
func (st *step) pump() {
	for st.Undone == nil && len(st.Held) > 0 {
		next := st.Held[0]
		switch st.State {
		case StateEnded:
			held := st.Held
			st.Held = nil
			st.shade() // what is left is the next session's
			st.afterEndAll(held)
			return
		case StateDormant:
			st.wake()
			continue
		case StateRobot, StateQueued, StateAgent:
		default: // a state whose call is undone
			return
		}
		st.Held = slices.Clone(st.Held[1:])
		switch next.Kind {
		case HeldText:
			st.call(CallChat, &next, st.giveUp(next.Received))
		case HeldTransfer:
			if st.State == StateRobot { // else the wish is fulfilled
				st.enter(StateTransferring)
				st.call(CallTransfer, &next, st.giveUp(next.Received))
			}
		case HeldEnd:
			st.disconnect(next.EndedBy)
		}
	}
}

// wake brings a dormant session back to its former state.
func (st *step) wake() {
	if st.Former == "" {
		st.Former = StateRobot
	}
	st.enter(st.Former)
}

func (st *step) disconnect(by EndedBy) {
	st.enter(StateEnding)
	st.call(CallDisconnect, nil, st.env.Now.Add(st.endingBound()))
	st.Undone.EndedBy = by
}

// end is the session's end. What waits stays where it is: pump takes it on.
func (st *step) end(by EndedBy, at time.Time, say string) {
	switch u := st.Undone; {
	case u == nil, u.Kind == CallChat: // a text on its way: its result decides
	case u.What == nil, u.Kind == CallTransfer && st.AgentIn:
		st.Undone = nil
	default: // a wish, or a text that was refused for this end
		st.putBack()
	}
	st.enter(StateEnded)
	st.EndedBy, st.EndedAt = by, at
	for i := range st.Held {
		st.Held[i].Along = true
	}
	st.loseAsked()
	if say != "" {
		st.notice(say)
	}
}

// putBack takes what the undone call carried back to the front of what waits.
func (st *step) putBack() {
	h := *st.Undone.What
	st.Undone = nil
	if h.Deleted {
		return
	}
	h.Along = st.State == StateEnded
	h.Refusals++
	if h.Refusals <= maxRefusals {
		st.Held = append([]Held{h}, st.Held...)
		return
	}
	if h.Kind == HeldText {
		st.giveBack([]Held{h}, CodeLost, sayNotDelivered)
		return
	}
	// Without the wish, what was meant for the agent must not go on.
	say, ref := sayNoAgent(Result{}), st.letter(append([]Held{h}, st.texts()...), CodeLost)
	if ref != "" {
		say += " " + sayNotDelivered
	}
	st.notice(say, resendButton(ref)...)
}

// maxRefusals is how often a text or a wish is tried again after sessions that refused it or ended over it.
const maxRefusals = 3

// texts takes the texts that wait out of Held, up to the wish to end.
func (st *step) texts() []Held {
	end := slices.IndexFunc(st.Held, func(h Held) bool { return h.Kind == HeldEnd })
	if end < 0 {
		end = len(st.Held)
	}
	texts := slices.DeleteFunc(slices.Clone(st.Held[:end]), func(h Held) bool { return h.Kind != HeldText })
	st.Held = st.Held[end:]
	return texts
}

// giveBack makes a dead letter of texts that cannot be delivered, with [send again].
func (st *step) giveBack(texts []Held, reason, say string) {
	if ref := st.letter(texts, reason); ref != "" {
		st.notice(say, resendButton(ref)...)
	}
}

// lose ends a session that the centre does not know any more.
func (st *step) lose() {
	if st.State == StateEnded {
		return
	}
	st.end(EndedByLoss, st.env.Now, "")
	if st.Undone != nil || st.holds(HeldEnd) || !st.goAlong(st.Held) { // else the next session's line tells
		st.notice(sayLost)
	}
}

// watchLate keeps the timer that tells the thread, once until nothing waits any more, that nothing gets through.
func (st *step) watchLate() {
	since := st.waitsSince()
	switch {
	case since.IsZero():
		st.stop(TimerLate)
		st.LateTold = false
		return
	case st.LateTold:
		st.stop(TimerLate)
		return
	case since.Before(st.Accepted):
		since = st.Accepted
	}
	late := st.env.Limits.Late
	if late == 0 {
		late = time.Minute
	}
	st.start(TimerLate, since.Add(late).Sub(st.env.Now))
}

// waitsSince is when the oldest of what a person said and the centre has not accepted came in; zero if nothing waits.
func (st *step) waitsSince() time.Time {
	var since time.Time
	older := func(t time.Time) {
		if since.IsZero() || t.Before(since) {
			since = t
		}
	}
	if st.State == StateOpening {
		older(st.Since)
	}
	for _, h := range st.Held {
		if !h.Own && h.Kind != HeldEnd {
			older(h.Received)
		}
	}
	if u := st.Undone; u != nil && u.What != nil && !u.What.Own {
		older(u.What.Received)
	}
	return since
}
