package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"ccbridge/ccm"
)

// polls keeps one long poll for each live session.
type polls struct {
	b *Bridge

	mu      sync.Mutex
	ctx     context.Context // of the loops; nil before and after Run
	work    context.Context // of the calls
	pollers map[ThreadKey]*poller
	took    bool // the sessions that were live at the start have their pollers
	group   sync.WaitGroup
}

func newPolls(b *Bridge) *polls { return &polls{b: b, pollers: map[ThreadKey]*poller{}} }

// poller asks the centre for one session's downlinks.
type poller struct {
	b       *Bridge
	thread  ThreadKey
	session int
	visitor ccm.Visitor
	call    context.Context // of its calls: outlives the loop's, so that shutdown does not cut off a poll
	cancel  context.CancelFunc

	mu   sync.Mutex
	last time.Time // when the last poll was answered

	// Of the poller's own goroutine:
	reads    int       // how often the history must still be read, because an answer may be lost
	nextRead time.Time // not before
	failures int
	shorts   int             // empty answers in a row that came at once
	failing  time.Time       // since when
	misses   int             // history reads in a row that failed
	counted  bool            // this doubt was counted as a possible loss
	polled   bool            // a poll was answered since the doubt began
	lagged   int             // reads of a history that did not show what is known to be there
	newest   string          // key of the newest answer of the robot or the agent that was ingested
	known    bool            // an answer may be lost that was there before this process: all texts are ambiguous
	history  map[string]bool // keys of which a record came from history
	ordinal  int
}

// watch starts or ends the poller of a session, as its state wants.
func (p *polls) watch(s Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.State == StateEnded {
		p.b.Centre.Forget(s.Visitor)
	}
	old := p.pollers[s.Thread]
	if old != nil && (!s.State.Polled() || old.session != s.No) {
		old.cancel()
		delete(p.pollers, s.Thread)
		p.b.Centre.Forget(old.visitor)
		old = nil
	}
	if old != nil || !s.State.Polled() || p.ctx == nil {
		return
	}
	p.start(s, !p.took)
}

// start begins to poll. taken: the session was live before this process, so answers may have been lost.
func (p *polls) start(s Session, taken bool) {
	ctx, stop := context.WithCancel(p.ctx)
	call, cancel := context.WithCancel(p.work)
	one := &poller{b: p.b, thread: s.Thread, session: s.No, visitor: s.Visitor, call: call, cancel: func() { stop(); cancel() }, last: time.Now(), history: map[string]bool{}, known: taken}
	if taken {
		one.doubt()
	}
	p.pollers[s.Thread] = one
	p.group.Go(func() {
		defer one.cancel()
		for !p.b.guard("poll", s.Thread, func() { one.run(ctx) }) {
			pause(ctx, afterPanic)
		}
	})
}

// Run takes over the sessions that are live and waits, when ctx ends, for the polls that are on their way.
func (p *polls) Run(ctx, work context.Context) {
	p.mu.Lock()
	p.ctx, p.work = ctx, work
	p.mu.Unlock()
	for ctx.Err() == nil {
		refs, err := p.b.Store.Live(ctx)
		if err == nil {
			p.takeOver(ctx, refs)
			break
		}
		p.b.storeFailed("list live sessions", err)
		pause(ctx, storeRetry)
	}
	<-ctx.Done()
	p.mu.Lock()
	p.ctx = nil
	p.mu.Unlock()
	p.group.Wait()
}

func (p *polls) takeOver(ctx context.Context, refs []ThreadRef) {
	for _, r := range refs {
		work, err := p.b.Store.Load(ctx, r.ID, r.Part, 1, false)
		for ; err != nil && !errors.Is(err, ErrUnreadable) && ctx.Err() == nil; work, err = p.b.Store.Load(ctx, r.ID, r.Part, 1, false) {
			p.b.storeFailed("load a live session", err)
			pause(ctx, storeRetry)
		}
		if err != nil {
			continue
		}
		s := work.Session
		s.Thread = r.Key
		p.mu.Lock()
		if p.pollers[r.Key] == nil && s.State.Polled() && p.ctx != nil {
			p.start(s, true)
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.took = true
	p.mu.Unlock()
}

// ages says how many polls there are and how long ago the most overdue one was answered.
func (p *polls) ages(now time.Time) (n int, oldest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.pollers {
		one.mu.Lock()
		oldest = max(oldest, now.Sub(one.last))
		one.mu.Unlock()
	}
	return len(p.pollers), oldest
}

const (
	shortAnswer    = time.Second      // an empty answer sooner than this comes from a centre without long polling
	ambiguousReads = 12               // reads of a history that may lag, after a text that history may have shown before
	historyWait    = 30 * time.Second // between reads of a history that cannot be read
	someFailures   = 3                // in a row that are no chance any more
)

// run polls until ctx ends: that is shutdown or the end of the session. A poll on its way is not cut off by shutdown alone.
func (p *poller) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !p.b.storeOK() { // what came could not be kept
			pause(ctx, storeRetry)
			continue
		}
		if p.reads > 0 && !time.Now().Before(p.nextRead) {
			p.readHistory(ctx)
			continue
		}
		if until := p.b.outbox.pausedUntil(p.b.outbox.outside[centreName]); time.Now().Before(until) {
			pause(ctx, min(time.Until(until), 5*time.Second))
		}
		p.once(ctx)
	}
}

// once makes one poll and stores what it brings before anything else.
func (p *poller) once(ctx context.Context) {
	start := time.Now()
	p.b.hook("before poll")
	downs, err := p.b.Centre.Poll(p.call, p.visitor)
	p.b.Meter.CallTook(centreName, "poll", time.Since(start))
	p.b.hook("after poll")
	if err != nil {
		p.failed(ctx, err)
		return
	}
	p.failures, p.polled = 0, true
	p.mu.Lock()
	p.last = time.Now()
	p.mu.Unlock()
	p.b.outbox.works(p.b.outbox.outside[centreName])
	if len(downs) == 0 {
		p.rest(ctx, time.Since(start))
		return
	}
	p.shorts = 0
	list, unsure := p.incoming(downs)
	p.keep(ctx, list)
	if len(unsure) > 0 {
		p.leaveToHistory(ctx, unsure)
	}
}

// rest keeps a centre without long polling from being asked all the time: the more empty answers came at once, the longer.
func (p *poller) rest(ctx context.Context, took time.Duration) {
	if took >= shortAnswer {
		p.shorts = 0
		return
	}
	wait := min(50*time.Millisecond<<min(p.shorts, 5), shortAnswer)
	p.shorts++
	pause(ctx, wait-took)
}

func (p *poller) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	v := judge(Delivery{Call: &Call{Kind: CallQueue}}, err)
	if v.err.Certainty != NotDone {
		p.doubt()
	}
	if p.failures++; p.failures == 1 {
		p.failing = time.Now()
	}
	switch {
	case v.err.Scope == ScopeCentre:
		p.b.outsideFailed(centreName, v.err)
	case p.failures >= someFailures:
		p.b.outbox.silent(p.failing, v.err)
	}
	p.b.Log.Debug("poll failed", "thread", p.thread.String(), "session", p.session, "error", v.err.Error())
	pause(ctx, max(v.err.RetryAfter, backoff(p.failures)))
}

// doubt notes that an answer may be lost: the history is read, and once more after a while because it may lag.
func (p *poller) doubt() {
	if p.reads == 0 {
		p.counted, p.misses, p.lagged = false, 0, 0
	}
	p.reads, p.polled, p.nextRead = max(p.reads, 2), false, time.Time{}
}

// incoming makes events of downlinks, up to the first of which history must decide: one without a messageCode of which
// history showed an equal one may be the same (§9.9).
func (p *poller) incoming(downs []ccm.Downlink) (list []Incoming, unsure []ccm.Downlink) {
	for i, d := range downs {
		if uncoded(d) && (p.history[heardKey(d.Source, d.Media, d.Content)] || p.known) {
			p.reads, p.nextRead = max(p.reads, ambiguousReads), time.Time{}
			if p.misses == 0 {
				return list, downs[i:]
			} // the history cannot be read: rather twice than never
		}
		list = append(list, p.incomingOf(d))
	}
	return list, nil
}

// uncoded: a text that only its content tells from others.
func uncoded(d ccm.Downlink) bool { return d.MessageCode == "" && d.Control == ccm.Chat }

func (p *poller) incomingOf(d ccm.Downlink) Incoming {
	p.ordinal++
	id := fmt.Sprintf("p:%s:%d:%d", p.visitor.UserID, time.Now().UnixNano(), p.ordinal)
	if d.MessageCode != "" {
		id = codeID(p.visitor, d.MessageCode)
	}
	in := p.event(EventID(id), d)
	in.Dedupe = d.MessageCode != ""
	if d.Control == ccm.Chat {
		in.Heard = heardKey(d.Source, d.Media, d.Content)
		if d.Source != sourceSystem {
			p.newest = in.Heard
		}
	}
	return in
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
		case !uncoded(d):
			behind = append(behind, in)
			ends = ends || d.Control == ccm.Disconnect
		case d.QueueFlag != "": // which no history shows
			behind = append(behind, p.event(in.Event.ID+"q", ccm.Downlink{Control: d.Control, Source: d.Source, QueueFlag: d.QueueFlag}))
		}
	}
	read := p.fromHistory(ctx)
	for (!read && p.misses < someFailures || read && ends) && p.reads > 0 && ctx.Err() == nil {
		pause(ctx, time.Until(p.nextRead))
		read = p.fromHistory(ctx)
	}
	switch {
	case ctx.Err() != nil: // the next start finds all of it
	case read:
		p.keep(ctx, behind)
	default: // rather twice than never
		p.keep(ctx, all)
	}
}

// codeID is the id of a downlink with a messageCode.
func codeID(v ccm.Visitor, code string) string {
	return "c:" + v.UserID + ":" + contentHash(code)
}

func (p *poller) event(id EventID, d ccm.Downlink) Incoming {
	now := time.Now()
	return Incoming{Dedupe: true, Session: p.session, Event: Event{ID: id, Thread: p.thread, At: now, Received: now, Downlink: &d}}
}

// keep stores what came, however long that takes: the centre has forgotten it.
// It reports whether the last of it was new.
func (p *poller) keep(ctx context.Context, list []Incoming) (fresh bool) {
	for n := 1; len(list) > 0; n++ {
		became, err := p.b.ingest(context.WithoutCancel(ctx), list)
		if err == nil {
			return became[len(became)-1] == Fresh
		}
		if ctx.Err() != nil && n > 3 {
			p.b.Log.Error("answers of the centre could not be stored before the end", "thread", p.thread.String(), "count", len(list))
			p.b.Meter.PossibleLoss()
			return false
		}
		pause(context.WithoutCancel(ctx), min(backoff(n), 2*time.Second))
	}
	return false
}

// readHistory ingests what the history shows beyond what was ingested. When it need not be read again it asks whether
// there still is a session: sooner, the end might overtake a text that the history does not show yet.
func (p *poller) readHistory(ctx context.Context) {
	if p.fromHistory(ctx) && p.reads == 0 {
		p.askWhetherOver(ctx)
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
	p.nextRead = time.Now().Add(p.b.Limits.LookGap)
	if p.lagged++; lags && p.lagged < ambiguousReads {
		return true // what it does not show yet may be missing from it
	}
	if lags {
		p.mayHaveLost("its history lags")
	}
	p.lagged = 0
	p.reads--
	return true
}

func (p *poller) askWhetherOver(ctx context.Context) {
	callCtx, cancel := context.WithTimeout(ctx, p.b.Limits.CallTimeout)
	defer cancel()
	info, err := p.b.Centre.QueueInfo(callCtx, p.visitor)
	if err == nil && info.State() == ccm.Over {
		over := p.event(overID(p.visitor), ccm.Downlink{})
		over.Event.Downlink = nil
		over.Event.Result = &Result{Target: ToCentre, Call: CallQueue, Outcome: Delivered, Queue: &info}
		p.keep(ctx, []Incoming{over})
	}
}

// missed: the history could not be read. A refusal is final; anything else is tried again while polling goes on. A
// failure of the store says nothing about the history.
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
	if f.refused || p.misses >= someFailures && p.polled {
		p.mayHaveLost("its history cannot be read")
	}
	if f.refused {
		p.reads = 0
		return
	}
	wait := backoff(p.misses)
	if p.misses >= someFailures {
		p.nextRead = time.Now().Add(historyWait)
		return
	}
	p.nextRead = time.Now().Add(wait)
	pause(ctx, wait) // before newer answers are ingested
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
	callCtx, cancel := context.WithTimeout(ctx, p.b.Limits.CallTimeout)
	defer cancel()
	records, err := p.b.Centre.History(callCtx, p.visitor)
	if err != nil {
		return nil, false, err
	}
	heard, fromHistory, err := p.b.Store.Heard(ctx, p.thread.ID(), p.thread.Part(), p.session)
	if err != nil {
		return nil, false, fmt.Errorf("count heard texts: %w", err)
	}
	p.known = fromHistory && p.known // before this process, and something came from history then
	left := map[string]*int{}
	for _, r := range records {
		if key := heardKey(r.Source, r.Media, r.Content); fromCentre(r) {
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

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
