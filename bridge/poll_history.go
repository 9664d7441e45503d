package bridge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"ccbridge/ccm"
)

// This file closes what a lost poll answer leaves open: the history of the session decides (§3, §9.9).

// doubt notes that an answer may be lost: the history is read, once more after look_gap, and a last time after lagWait of
// them, because it may lag.
func (p *poller) doubt() {
	if p.reads == 0 {
		p.counted, p.misses, p.lagged = false, 0, 0
	}
	p.reads, p.polled, p.nextRead, p.doubted = max(p.reads, 3), false, time.Time{}, time.Now()
}

// leaveToHistory has the history say which of the texts are new, so that they come in their order. What came behind them
// waits for that: after a DISCONNECT nobody would read the history any more, so there it is read until it cannot lag.
func (p *poller) leaveToHistory(ctx context.Context, downs []ccm.Downlink) {
	var behind, all []Incoming
	ends := false
	for _, d := range downs {
		in := p.incomingOf(d)
		all = append(all, in)
		switch {
		case !p.uncoded(d):
			behind = append(behind, in)
			ends = ends || d.Control == ccm.Disconnect
		case d.QueueFlag != "": // which no history shows
			behind = append(behind, p.event(in.Event.ID+"q", ccm.Downlink{Control: d.Control, Source: d.Source, QueueFlag: d.QueueFlag}))
		}
	}
	began := time.Now()
	read := p.fromHistory(ctx)
	for (!read && p.mayWait(began) || read && ends) && p.reads > 0 && ctx.Err() == nil {
		pause(ctx, time.Until(p.nextRead))
		read = p.fromHistory(ctx)
	}
	switch {
	case ctx.Err() != nil: // finish, or the next start, finds all of it
	case read:
		p.keep(ctx, behind)
	default: // rather twice than never
		p.b.Meter.Repeated()
		p.keep(ctx, all)
	}
}

// readHistory ingests what the history shows beyond what was ingested. Before the last read it asks whether there still is
// a session: sooner, the end might overtake a text that the history does not show yet.
func (p *poller) readHistory(ctx context.Context) {
	if p.fromHistory(ctx) && p.reads == 1 {
		p.askWhetherOver(ctx)
	}
}

// finish reads the history, once the session is over, for what a lost answer may have held: nothing else will bring it.
func (p *poller) finish(life context.Context) {
	for p.reads > 0 && life.Err() == nil {
		pause(life, time.Until(p.nextRead))
		if !p.fromHistory(life) && p.misses >= historyTries {
			p.mayHaveLost("its history cannot be read")
			return
		}
	}
}

// fromHistory ingests what the history shows beyond what was ingested. false: it could not be read.
func (p *poller) fromHistory(ctx context.Context) bool {
	list, lags, err := p.surplus(ctx)
	if err != nil {
		p.missed(ctx, err)
		return false
	}
	p.misses = 0
	for _, c := range list {
		if c.left != nil && *c.left > 0 && p.keep(ctx, []Incoming{c.Incoming}) {
			*c.left--
			p.history[c.Heard] = true
		}
	}
	p.nextRead = time.Now().Add(p.b.settings().Limits.LookGap)
	if p.lagged++; lags && p.lagged < ambiguousReads {
		return true // what it does not show yet may be missing from it
	}
	if lags {
		p.mayHaveLost("its history lags")
	}
	p.lagged = 0
	if p.reads--; p.reads == 1 {
		p.nextRead = time.Now().Add(lagWait * p.b.settings().Limits.LookGap)
	}
	return true
}

// askWhetherOver asks whether there still is a session, unless somebody else did since the doubt began: then the session
// was told.
func (p *poller) askWhetherOver(ctx context.Context) {
	if p.b.outbox.askedAt(p.visitor).After(p.doubted) {
		return
	}
	if at := p.b.outbox.askableAt(p.visitor); time.Now().Before(at) {
		p.reads, p.nextRead = p.reads+1, at // asked just now: once more then
		return
	}
	callCtx, cancel := context.WithTimeout(ctx, p.b.settings().Limits.CallTimeout)
	defer cancel()
	info, err := p.b.outbox.askQueue(callCtx, p.visitor)
	if err == nil && info.State() == ccm.Over {
		over := p.event(overID(p.visitor), ccm.Downlink{})
		over.Event.Downlink = nil
		over.Event.Result = &Result{Target: ToCentre, Call: CallQueue, Outcome: Delivered, Queue: &info}
		p.keep(ctx, []Incoming{over})
	}
}

// missed: the history could not be read. A refusal is final; anything else is tried again while polling goes on, as the
// session lives by it. A failure of the store says nothing about the history.
func (p *poller) missed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if e := (*ccm.Error)(nil); !errors.As(err, &e) {
		p.b.storeFailed("count heard texts", err)
		p.nextRead = time.Now().Add(storeRetry)
		pause(ctx, storeRetry)
		return
	}
	f := centreSilent(err)
	p.misses++
	p.b.Log.Debug("history could not be read", "thread", p.thread.String(), "session", p.session, "error", err.Error())
	if f.refused || p.misses >= historyTries && p.polled {
		p.mayHaveLost("its history cannot be read")
	}
	if f.refused {
		p.reads = 0
		return
	}
	wait := backoff(p.misses)
	if p.misses >= historyTries {
		wait = historyWait
	}
	p.nextRead = time.Now().Add(wait)
}

// awaitHistory tries, before newer answers are ingested, to read a history that has not been read since an answer was
// lost: what it shows comes first. It does not try for long, because nothing is polled meanwhile.
func (p *poller) awaitHistory(ctx context.Context) {
	for began := time.Now(); p.reads > 0 && p.misses > 0 && p.mayWait(began) && ctx.Err() == nil; {
		pause(ctx, time.Until(p.nextRead))
		p.fromHistory(ctx)
	}
}

// mayWait: answers received at began may wait longer for a history that could not be read.
func (p *poller) mayWait(began time.Time) bool {
	return p.misses < historyTries && time.Since(began) < answersWait
}

// mayHaveLost counts a possible loss, once for each doubt.
func (p *poller) mayHaveLost(why string) {
	if p.counted {
		return
	}
	p.counted = true
	p.b.Meter.PossibleLoss()
	p.b.Log.Warn("an answer of the centre may be lost: "+why, "thread", p.thread.String(), "session", p.session)
}

// candidate is a record of the history that may be new. left is shared by the equal ones: how many of them are.
type candidate struct {
	Incoming
	left *int
}

// surplus lists what history shows beyond what was ingested, oldest first. Which of several equal texts are new is told
// by their messageCodes; without, the newest are. lags: it does not show what is known to be there.
func (p *poller) surplus(ctx context.Context) (list []candidate, lags bool, err error) {
	callCtx, cancel := context.WithTimeout(ctx, p.b.settings().Limits.CallTimeout)
	defer cancel()
	records, err := p.b.Centre.History(callCtx, p.visitor)
	if err != nil {
		return nil, false, err
	}
	heard, fromHistory, err := p.b.Store.Heard(ctx, p.thread.ID(), p.thread.Part(), p.session)
	if err != nil {
		return nil, false, fmt.Errorf("count heard texts: %w", err)
	}
	maps.Copy(p.history, fromHistory) // also before this process
	p.unread = false
	left := map[string]*int{}
	for _, r := range records {
		if key := heardKey(r.Source, r.Media, r.Content); fromCentre(r) {
			p.codeless = p.codeless || r.MessageCode == ""
			if left[key] == nil {
				n := -heard[key]
				left[key] = &n
			}
			*left[key]++
		}
	}
	lags = p.newest != "" && (left[p.newest] == nil || *left[p.newest] < 0) || noneShown(heard, left)
	seen := map[string]int{}
	for _, r := range records {
		key := heardKey(r.Source, r.Media, r.Content)
		if !fromCentre(r) || *left[key] <= 0 {
			continue
		}
		seen[key]++
		if r.MessageCode == "" && seen[key] <= heard[key] {
			continue
		}
		id := fmt.Sprintf("h:%s:%s:%d", p.visitor.UserID, key, seen[key])
		if r.MessageCode != "" {
			id = codeID(p.visitor, r.MessageCode)
		}
		in := p.event(EventID(id), ccm.Downlink{Control: ccm.Chat, Source: r.Source, Media: r.Media, Content: r.Content,
			Nickname: r.Nickname, MessageCode: r.MessageCode, Timestamp: r.At})
		in.Heard, in.FromHistory = key, true
		list = append(list, candidate{in, left[key]})
	}
	return list, lags, nil
}

// noneShown: answers of the robot or the agent were ingested, and the history shows not one of them. SYSTEM texts it
// need not show.
func noneShown(heard map[string]int, left map[string]*int) bool {
	known := false
	for key := range heard {
		if !strings.HasPrefix(key, sourceSystem) {
			known = true
			if left[key] != nil {
				return false
			}
		}
	}
	return known
}

// fromCentre: a record of what the robot, the agent or the centre said.
func fromCentre(r ccm.Record) bool {
	return (r.Source == sourceAgent || r.Source == sourceRobot || r.Source == sourceSystem) && (r.Control == ccm.Chat || r.Control == "")
}
