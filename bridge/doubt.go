package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"time"

	"ccbridge/ccm"
)

// send makes the call of a delivery.
func (o *outbox) send(ctx context.Context, d Delivery) (RemoteID, *ccm.QueueInfo, error) {
	if d.Call == nil {
		remote, err := o.b.settings().Adapters[d.Thread.Adapter].Send(ctx, d)
		return remote, nil, err
	}
	c := d.Call
	if c.Kind == CallQueue {
		info, err := o.askQueue(ctx, c.Visitor)
		return "", &info, err
	}
	return "", nil, o.b.Centre.Send(ctx, c.Visitor, ccm.SendRequest{
		Control: ccm.ControlType(c.Kind), Content: c.Content, MessageID: string(d.ID), Nickname: c.Visitor.UserName, At: d.Made})
}

// judge says what a failed call comes to: settled with an outcome, or to be tried again, or in doubt.
func judge(d Delivery, err error) verdict {
	if d.Call == nil {
		e := sendError(err)
		switch {
		case e.Certainty != NotDone || !e.Final:
		case e.Scope == ScopeThread:
			return verdict{outcome: Refused, code: CodeThreadGone, detail: e.Code, err: e}
		case e.Scope == ScopeDelivery:
			return verdict{outcome: Refused, code: CodeNotShown, detail: e.Code, err: e}
		}
		return verdict{err: e}
	}
	var e *ccm.Error
	if !errors.As(err, &e) {
		return verdict{err: sendError(err)}
	}
	v := judgeCall(d.Call.Kind, e)
	v.detail = e.Code
	if v.detail == "" && e.Status != 0 {
		v.detail = "HTTP " + strconv.Itoa(e.Status)
	}
	v.err = &SendError{Certainty: InDoubt, Scope: ScopeDelivery, RetryAfter: e.RetryAfter, Code: v.detail, Err: e}
	if e.Certainty == ccm.NotDone {
		v.err.Certainty = NotDone
	}
	if e.Scope == ccm.ScopeCentre {
		v.err.Scope = ScopeCentre
	}
	return v
}

// judgeCall reads the centre's refusals (cec_05_2030).
func judgeCall(kind CallKind, e *ccm.Error) verdict {
	no := func(code string) verdict { return verdict{outcome: Refused, code: code} }
	badRequest := e.Certainty == ccm.NotDone && e.Status == 400 || errors.Is(e, ccm.ErrInvalid)
	switch {
	case kind == CallQueue, kind != CallConnect && e.NoToken: // a visitor who had a token may get one again
		return verdict{}
	case kind == CallDisconnect:
		if e.SessionGone() {
			return verdict{outcome: Delivered} // there is nothing left to end
		}
	case kind == CallTransfer && e.AlreadyWithAgent():
		return no(CodeAlready)
	case kind == CallTransfer && e.SessionLost():
		return no(CodeLost)
	case kind != CallConnect && e.SessionGone() && !(kind == CallTransfer && e.Refused):
		return no(CodeSuspect)
	case e.Refused && e.OutsideHours():
		return no(CodeOutsideHours)
	case e.Refused || badRequest:
		return no(CodeNobody)
	}
	return verdict{}
}

// look is what is known of a delivery in doubt so far. Forgotten at a crash: then looking begins again.
type look struct {
	absent  time.Time // when it was first seen to be absent
	rounds  int       // looks that said nothing
	failing time.Time // when the first of them ended
	next    time.Time
}

// lookRounds is how many looks may say nothing before on_unknown decides.
const lookRounds = 4

// resolve looks whether a delivery in doubt was done, and decides.
func (o *outbox) resolve(ctx context.Context, out *outside, k laneKey, d Delivery) {
	o.mu.Lock()
	l := o.looks[d.ID]
	if l == nil {
		l = &look{}
		o.looks[d.ID] = l
	}
	next := l.next
	o.mu.Unlock()
	now := time.Now()
	if now.Before(next) {
		o.wakeAt(next, k)
		return
	}
	if !d.GiveUp.IsZero() && now.After(d.GiveUp) && l.rounds > 0 {
		o.settle(ctx, k, d, "", verdict{outcome: GivenUp, detail: "in doubt"})
		return
	}
	if bySession(d) && now.Before(o.askableAt(d.Call.Visitor)) {
		o.lookAgain(k, l, o.askableAt(d.Call.Visitor))
		return
	}
	o.b.hook("before look at " + callName(d))
	lookCtx, cancel := context.WithTimeout(ctx, o.b.settings().Limits.CallTimeout)
	f := o.find(lookCtx, d)
	f.began = now
	cancel()
	o.b.hook("after look at " + callName(d))
	o.b.Meter.Looked(out.name, f.certainty)
	o.b.Log.Debug("looked", append(deliveryAttrs(d), slog.String("found", f.certainty.String()), slog.Any("error", f.err))...)
	switch {
	case f.certainty == Done:
		o.works(out)
		o.settle(ctx, k, d, f.remote, verdict{outcome: Delivered, queue: f.queue})
	case f.certainty == NotDone && (f.sure || !l.absent.IsZero() && now.Sub(l.absent) >= o.b.settings().Limits.LookGap):
		o.works(out)
		o.again(ctx, out, k, d, false)
	case f.certainty == NotDone:
		if l.absent.IsZero() {
			l.absent = now
		}
		o.lookAgain(k, l, l.absent.Add(o.b.settings().Limits.LookGap))
	default:
		o.undecided(ctx, out, k, d, l, f)
	}
}

func (o *outbox) lookAgain(k laneKey, l *look, at time.Time) {
	o.mu.Lock()
	l.next = at
	o.mu.Unlock()
	o.wakeAt(at, k)
}

// undecided: the look said nothing. After some of them on_unknown decides; an outside that cannot be reached is waited for.
func (o *outbox) undecided(ctx context.Context, out *outside, k laneKey, d Delivery, l *look, f finding) {
	if f.unlooked { // our own store failed: the outside was not asked, or its answer not understood
		o.lookAgain(k, l, time.Now().Add(storeRetry))
		return
	}
	l.absent = time.Time{}
	l.rounds++
	if l.failing.IsZero() {
		l.failing = time.Now()
	}
	if f.silent && o.silent(l.failing, f.cause) {
		f.unreachable, l.rounds = true, 1
	}
	mustKnow := d.Call != nil && d.Call.Kind == CallTransfer // never repeated blindly: it may queue twice
	if f.unreachable || mustKnow || !f.refused && l.rounds < lookRounds {
		if f.unreachable && f.cause != nil {
			o.pause(out, k, f.cause, f.began)
		}
		o.lookAgain(k, l, time.Now().Add(max(o.b.settings().Limits.LookGap, backoff(l.rounds))))
		return
	}
	if o.b.settings().OnUnknown == "ask" && d.Call != nil && d.Call.Kind == CallChat {
		o.settle(ctx, k, d, "", verdict{outcome: Unknown, detail: "in doubt"})
		return
	}
	o.again(ctx, out, k, d, true)
}

// again begins a delivery once more: because it was not done, or in doubt (repeat).
func (o *outbox) again(ctx context.Context, out *outside, k laneKey, d Delivery, repeat bool) {
	o.mu.Lock()
	delete(o.looks, d.ID)
	o.mu.Unlock()
	now := time.Now()
	if !d.GiveUp.IsZero() && now.After(d.GiveUp) {
		o.settle(ctx, k, d, "", verdict{outcome: GivenUp, detail: "gave up"})
		return
	}
	if repeat {
		o.begin(ctx, out, k, d, true)
		return
	}
	if err := o.b.Store.Postpone(ctx, d, now); err != nil && !errors.Is(err, ErrConflict) {
		o.b.storeFailed("postpone a delivery", err)
		o.wakeAt(now.Add(storeRetry), k)
		return
	}
	o.wake(k) // it begins when its turn has come
}

// finding is the answer of one look.
type finding struct {
	certainty   Certainty
	sure        bool // NotDone needs no second look
	remote      RemoteID
	queue       *ccm.QueueInfo
	refused     bool // the outside will not say: looking again is of no use
	unreachable bool // the outside did not answer: wait for it
	silent      bool // there was no answer at all: it is as good as unreachable while nobody else gets one
	unlooked    bool // the store failed: the look does not count
	cause       *SendError
	began       time.Time
	err         error
}

// find looks at the outside (design §5).
func (o *outbox) find(ctx context.Context, d Delivery) finding {
	if d.Call == nil {
		last, err := o.b.Store.LastPost(ctx, d.Thread.ID(), d.Thread.Part())
		if err != nil {
			return finding{unlooked: true, err: fmt.Errorf("read the newest post: %w", err)}
		}
		d.Last = last
		remote, certainty, err := o.b.settings().Adapters[d.Thread.Adapter].Find(ctx, d, d.Made)
		f := finding{certainty: certainty, remote: remote, err: err}
		if err != nil {
			f.certainty = InDoubt
			f.cause = sendError(err)
			f.unreachable = f.cause.Scope == ScopeAdapter || f.cause.Scope == ScopeChannel
		}
		if d.To == ToPerson && f.certainty == InDoubt {
			return finding{certainty: NotDone, sure: true} // an answer to an interaction: repeating has the same effect
		}
		return f
	}
	switch {
	case bySession(d):
		return o.findBySession(ctx, d)
	case d.Call.Kind == CallChat:
		return o.findText(ctx, d)
	}
	return finding{certainty: NotDone, sure: true} // DISCONNECT and questions: repeating has the same effect
}

// bySession: the session itself tells whether the call was done.
func bySession(d Delivery) bool {
	return d.Call != nil && (d.Call.Kind == CallConnect || d.Call.Kind == CallTransfer)
}

// findBySession asks the centre about the session itself. Its answer counts at once.
func (o *outbox) findBySession(ctx context.Context, d Delivery) finding {
	info, err := o.askQueue(ctx, d.Call.Visitor)
	if err != nil {
		return centreSilent(err)
	}
	switch state := info.State(); {
	case d.Call.Kind == CallConnect && (state == ccm.Queuing || state == ccm.WithAgent || state == ccm.WithRobot),
		d.Call.Kind == CallTransfer && (state == ccm.Queuing || state == ccm.WithAgent):
		return finding{certainty: Done, queue: &info}
	default:
		return finding{certainty: NotDone, sure: true}
	}
}

// centreSilent sorts out a look that failed: whether the centre will not say, or cannot be reached. Without access it says
// nothing about what was asked, and may let us in again: what comes of that, some more looks tell.
func centreSilent(err error) finding {
	f := finding{err: err}
	var e *ccm.Error
	if errors.As(err, &e) {
		noAccess := e.NoToken || e.Unauthorized() || e.AccessRefused()
		f.refused = !noAccess && (e.Refused || e.Certainty == ccm.NotDone && e.Status >= 400 && e.Status < 500 && !e.Throttled())
		f.unreachable = e.NoToken || e.Throttled() || e.Status == 0 && e.Certainty == ccm.NotDone || e.Status == 502 || e.Status == 503 || e.Status == 504
		f.silent = e.Status == 0
		v := judge(Delivery{Call: &Call{Kind: CallQueue}}, err)
		f.cause = v.err
	}
	return f
}

// findText counts how often a text stands in the session's history against what the ledger knows of it.
func (o *outbox) findText(ctx context.Context, d Delivery) finding {
	records, err := o.b.Centre.History(ctx, d.Call.Visitor)
	if err != nil {
		return centreSilent(err)
	}
	id, part := d.Thread.ID(), d.Thread.Part()
	sure, possible, err := o.b.Store.SentTexts(ctx, id, part, d.Session, d.Call.Content)
	if err != nil {
		return finding{unlooked: true, err: fmt.Errorf("count sent texts: %w", err)}
	}
	newest, err := o.b.Store.LastSent(ctx, id, part, d.Session)
	if err != nil {
		return finding{unlooked: true, err: fmt.Errorf("read the newest sent text: %w", err)}
	}
	heard, _, err := o.b.Store.Heard(ctx, id, part, d.Session)
	if err != nil {
		return finding{unlooked: true, err: fmt.Errorf("count heard texts: %w", err)}
	}
	return compareHistory(records, d, sent{sure, possible, newest}, heard)
}

// sent is what the ledger knows of a session's texts: how often this one was settled, surely and perhaps, and the newest
// one's ContentSum.
type sent struct {
	sure, possible int
	newest         string
}

// compareHistory says whether a text stands in the history: by its messageId if the history shows them, else by how
// often its content does. Its absence counts only beside what is known to be there (§5).
func compareHistory(records []ccm.Record, d Delivery, ledger sent, heard map[string]int) finding {
	there, knownSeen, newestSeen, ids := 0, false, ledger.newest == "", false
	unseen := maps.Clone(heard)
	for _, r := range records {
		fromCustomer := r.Source == "USER" || r.Source == "CUSTOMER"
		unseen[heardKey(r.Source, r.Media, r.Content)]--
		switch {
		case fromCustomer && r.MessageID == string(d.ID):
			return finding{certainty: Done}
		case fromCustomer && r.Content == d.Call.Content:
			there++
			knownSeen = knownSeen || there <= ledger.sure
		case heard[heardKey(r.Source, r.Media, r.Content)] > 0:
			knownSeen = true
		}
		if fromCustomer {
			ids = ids || r.MessageID != ""
			if ledger.newest != "" && ContentSum(r.Content) == ledger.newest {
				knownSeen, newestSeen = true, true
			}
		}
	}
	known := ledger.newest != "" || len(heard) > 0
	switch {
	case !ids && there > ledger.sure+ledger.possible:
		return finding{certainty: Done}
	case !ids && there > ledger.sure:
		return finding{} // an earlier repeat may be what is seen
	case known && !knownSeen:
		return finding{} // the history lags, or shows nothing of this session
	case !newestSeen || there < ledger.sure || anyAnswer(unseen):
		return finding{} // it lags behind what was settled or heard before
	}
	return finding{certainty: NotDone}
}

// anyAnswer: of what was heard from the robot or the agent, something is left. Texts only: of files, history shows
// another content, and SYSTEM texts it need not show.
func anyAnswer(left map[string]int) bool {
	for key, n := range left {
		if n > 0 && (strings.HasPrefix(key, sourceRobot+":"+mediaText) || strings.HasPrefix(key, sourceAgent+":"+mediaText)) {
			return true
		}
	}
	return false
}

// mediaText is the mediaType of words.
const mediaText = "TEXT"

// heardKey is the key a downlink is counted under (§9.9).
func heardKey(source, media, content string) string {
	if media == "" {
		media = mediaText
	}
	return source + ":" + media + ":" + contentHash(media, content)
}
