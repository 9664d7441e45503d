package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	call    context.Context // of its calls: outlives the loop's, so that neither shutdown nor the end cuts off a poll
	stop    context.CancelFunc

	mu   sync.Mutex
	last time.Time // when the last poll was answered

	// Of the poller's own goroutine:
	reads    int       // how often the history must still be read, because an answer may be lost
	doubted  time.Time // when the last such doubt began
	nextRead time.Time // not before
	failures int
	shorts   int             // empty answers in a row that came at once
	failing  time.Time       // since when
	misses   int             // history reads in a row that failed
	counted  bool            // this doubt was counted as a possible loss
	polled   bool            // a poll was answered since the doubt began
	checked  bool            // it is the poller of a session that lives
	lagged   int             // reads of a history that did not show what is known to be there
	newest   string          // key of the newest answer of the robot or the agent that was ingested
	unread   bool            // which texts came from history before this process is not read yet: any may have
	codeless bool            // the history shows no messageCodes
	history  map[string]bool // keys of which a record came from history
	ordinal  int
}

// watch starts or ends the poller of a session, as its state wants.
func (p *polls) watch(s Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.pollers[s.Thread]
	if old != nil && s.No < old.session { // told late
		return
	}
	if old != nil && (!s.polled() || old.session != s.No) {
		old.stop()
		delete(p.pollers, s.Thread)
		old = nil
	} else if s.State == StateEnded { // it was not polled
		p.b.Centre.Forget(s.Visitor)
	}
	if old != nil || !s.polled() || p.ctx == nil {
		return
	}
	p.start(s, !p.took)
}

// polled: the centre is asked for downlinks. It knows nothing of a shadow.
func (s Session) polled() bool { return s.State.Polled() && !s.Shadow }

// start begins to poll. taken: the session was live before this process, so answers may have been lost.
func (p *polls) start(s Session, taken bool) {
	life := p.ctx
	ctx, stop := context.WithCancel(life)
	one := &poller{b: p.b, thread: s.Thread, session: s.No, visitor: s.Visitor, call: p.work, stop: stop, last: time.Now(), history: map[string]bool{}, unread: taken}
	if taken {
		one.doubt()
	}
	p.pollers[s.Thread] = one
	p.group.Go(func() {
		defer stop()
		defer p.b.Centre.Forget(s.Visitor)
		for !p.b.guard("poll", s.Thread, func() { one.run(ctx) }) {
			pause(ctx, afterPanic)
		}
		p.b.guard("read what came last", s.Thread, func() { one.finish(life) })
	})
}

// drop ends a poller that nobody wants.
func (p *polls) drop(one *poller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one.stop()
	if p.pollers[one.thread] == one {
		delete(p.pollers, one.thread)
	}
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
		if p.pollers[r.Key] == nil && s.polled() && p.ctx != nil {
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
	lagWait        = 6                // times look_gap before the last read of a history that may lag
	historyWait    = 30 * time.Second // between reads of a history that cannot be read
	historyTries   = 6                // reads of a history that fail by chance before what may be shown already is shown
	answersWait    = 8 * time.Second  // how long answers wait for such a read at most
	someFailures   = 3                // in a row that are no chance any more
	endWait        = 10 * time.Second // how long polling waits for the end that an answer brought
	longestRest    = 4                // failures after which polling rests no longer (4 s): it keeps the session alive
)

// run polls until ctx ends: that is shutdown or the end of the session. A poll on its way is not cut off by either: what
// it brings is taken from the centre already.
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
		if until := p.b.outbox.pausedUntil(p.b.outbox.centre); time.Now().Before(until) {
			pause(ctx, min(time.Until(until), 5*time.Second))
			if ctx.Err() != nil {
				return
			}
		}
		p.once(ctx)
		if !p.checked && p.failures == 0 {
			p.check(ctx)
		}
	}
}

// check ends the poller of a session that is over: whoever started it may have been overtaken by the session's end.
func (p *poller) check(ctx context.Context) {
	var work Work
	var load sync.WaitGroup // on another stack: the store needs a deep one, and every poller would keep it
	load.Go(func() {
		p.b.guard("check a poll", p.thread, func() {
			var err error
			work, err = p.b.Store.Load(ctx, p.thread.ID(), p.thread.Part(), 0, true)
			p.checked = err == nil
		})
	})
	load.Wait()
	if s := work.Session; p.checked && (s.No != p.session || !s.polled()) {
		p.b.polls.drop(p)
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
	p.b.outbox.works(p.b.outbox.centre)
	if len(downs) == 0 {
		p.rest(ctx, time.Since(start))
		return
	}
	p.shorts = 0
	p.awaitHistory(ctx)
	list, unsure := p.incoming(downs)
	p.keep(ctx, list)
	if len(unsure) > 0 {
		p.leaveToHistory(ctx, unsure)
	}
	if slices.ContainsFunc(downs, func(d ccm.Downlink) bool { return d.Control == ccm.Disconnect && !d.Offline }) {
		pause(ctx, endWait) // the step that ends the session ends the loop
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
	v := judge(Delivery{Call: &Call{Kind: CallQueue}}, err)
	if v.err.Certainty != NotDone {
		p.doubt()
	}
	if ctx.Err() != nil {
		return
	}
	p.b.Meter.PollFailed()
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
	pause(ctx, max(v.err.RetryAfter, backoff(min(p.failures, longestRest))))
}

// incoming makes events of downlinks, up to the first of which history must decide: one that no messageCode tells from
// an equal one which history showed may be the same (§9.9).
func (p *poller) incoming(downs []ccm.Downlink) (list []Incoming, unsure []ccm.Downlink) {
	for i, d := range downs {
		if p.uncoded(d) && (p.history[heardKey(d.Source, d.Media, d.Content)] || p.unread) {
			p.reads, p.nextRead = max(p.reads, ambiguousReads), time.Time{}
			if p.misses == 0 {
				return list, downs[i:]
			} // the history cannot be read: rather twice than never
		}
		list = append(list, p.incomingOf(d))
	}
	return list, nil
}

// uncoded: a text that only its content tells from those in the history.
func (p *poller) uncoded(d ccm.Downlink) bool {
	return d.Control == ccm.Chat && (d.MessageCode == "" || p.codeless)
}

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
		if d.Source != sourceSystem && (d.Media == "TEXT" || d.Media == "") { // of files, history shows another content
			p.newest = in.Heard
		}
	}
	return in
}

// codeID is the id of a downlink with a messageCode.
func codeID(v ccm.Visitor, code string) string {
	return "c:" + v.UserID + ":" + CodeHash(code)
}

// CodeHash is what the event id of a downlink ends in, if it has a messageCode.
func CodeHash(code string) string { return contentHash(code) }

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
			p.tooLate(list, became)
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

// tooLate counts what came when the thread's next session had begun: there it would be taken for that one's.
func (p *poller) tooLate(list []Incoming, became []Ingested) {
	for i, what := range became {
		if what == NoThread && list[i].Heard != "" {
			p.mayHaveLost("it came when the next session had begun")
		}
	}
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
