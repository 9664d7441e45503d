package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ccbridge/ccm"
)

// Env is what Apply needs to know beside the session and the event.
type Env struct {
	Now      time.Time
	Route    Route
	Limits   Limits
	Instance string // of the store
	Render   func(Message) []Post
	Elsewhere
}

// Effects are what a step does to the outside.
type Effects struct {
	Deliveries []Delivery
	Dead       []DeadLetter
	Revived    []string // as in Step
	Note       string   // for the ledger: why an event had no effect
}

// Apply is the whole of what the bridge decides: what an event does to a session. It is pure: equal input gives equal
// output, and s is not changed.
func (s Session) Apply(ev Event, env Env) (Session, Effects) {
	st := &step{Session: s.clone(), ev: ev, env: env}
	if ev.Order != "" && ev.At.After(st.Cursor) {
		st.Cursor = ev.At
	}
	st.shade()
	switch {
	case ev.Text != nil && ev.Order != "" && ev.Order < st.First && !env.Route.opensBy(*ev.Text):
		st.out.Note = "before the beginning"
	case ev.Text != nil:
		st.text(*ev.Text)
	case ev.Verb != nil:
		st.verb(*ev.Verb)
	case ev.Gone != nil:
		st.gone()
	case ev.Downlink != nil:
		st.downlink(*ev.Downlink)
	case ev.Result != nil:
		st.result(*ev.Result)
	case ev.Due != nil:
		st.timer(*ev.Due)
	}
	if s.State == StateNew && st.State != StateNew {
		st.First = ev.Order
	}
	st.pump()
	st.watchLate()
	return st.Session, st.out
}

func (s Session) clone() Session {
	s.Held = slices.Clone(s.Held)
	s.Letters = slices.Clone(s.Letters)
	s.Sent = slices.Clone(s.Sent)
	s.Shown = slices.Clone(s.Shown)
	s.Timers = maps.Clone(s.Timers)
	if s.Undone != nil {
		u := *s.Undone
		s.Undone = &u
	}
	if s.Asked != nil {
		a := *s.Asked
		a.Texts = slices.Clone(a.Texts)
		s.Asked = &a
	}
	return s
}

// step is one Apply at work.
type step struct {
	Session
	ev  Event
	env Env
	out Effects
}

func (st *step) enter(state State) {
	if st.State == state {
		return
	}
	st.State, st.Since = state, st.env.Now
	for _, k := range []TimerKind{TimerMaxWait, TimerQueue, TimerDormant, TimerEnding, TimerIdle, TimerIdleEnd, TimerForget} {
		st.stop(k)
	}
	switch state {
	case StateRobot, StateAgent:
		st.start(TimerIdle, st.env.Limits.Idle)
	case StateQueued:
		st.start(TimerMaxWait, st.env.Limits.MaxWait)
		if st.Shadow { // no agent ever comes, and no centre ends it
			st.start(TimerIdle, st.env.Limits.Idle)
			return
		}
		st.start(TimerQueue, st.env.Limits.queueGap())
	case StateDormant:
		st.start(TimerDormant, st.env.Limits.Dormant)
	case StateEnding:
		st.start(TimerEnding, st.endingBound())
	case StateEnded:
		if keep := st.env.Limits.Ledger; keep > 0 {
			st.start(TimerForget, keep)
		}
	}
}

func (st *step) start(k TimerKind, after time.Duration) {
	if st.Timers == nil {
		st.Timers = map[TimerKind]time.Time{}
	}
	st.Timers[k] = st.env.Now.Add(after)
}

func (st *step) stop(k TimerKind) { delete(st.Timers, k) }

// word notes that somebody said something: the session is not idle.
func (st *step) word() {
	if st.State == StateRobot || st.State == StateAgent || st.State == StateQueued && st.Shadow {
		st.stop(TimerIdleEnd)
		st.start(TimerIdle, st.env.Limits.Idle)
	}
}

// endingBound is how long DISCONNECT may take before the bridge stops on its own: some calls and their looks.
func (st *step) endingBound() time.Duration { return 6 * st.env.Limits.CallTimeout }

func (st *step) nextID(kind string) DeliveryID {
	st.Made++
	return DeliveryID(hash24(kind, st.env.Instance, string(st.Thread.ID()), fmt.Sprint(st.Made)))
}

// call sends one call to the centre; it is the one that is undone now.
func (st *step) call(kind CallKind, what *Held, giveUp time.Time) {
	d := Delivery{ID: st.nextID("call"), Thread: st.Thread, To: ToCentre, Session: st.No, Made: st.env.Now, GiveUp: giveUp,
		Shadow: st.Shadow, Cause: string(st.ev.ID), Call: &Call{Kind: kind, Visitor: st.Visitor}}
	if what != nil && what.cause() != "" {
		d.Cause = what.cause()
	}
	if what != nil && kind == CallChat {
		d.Call.Content = what.Text
	}
	st.Undone = &Undone{ID: d.ID, Kind: kind, What: what}
	st.out.Deliveries = append(st.out.Deliveries, d)
}

// giveUp is when trying to deliver something that came in at t ends.
func (st *step) giveUp(t time.Time) time.Time { return t.Add(st.env.Limits.GiveUp) }

// post shows a message in the thread.
func (st *step) post(m Message) {
	if st.Lost {
		if m.Kind == MessageAgent || m.Kind == MessageRobot || m.Kind == MessageSystem {
			st.out.Dead = append(st.out.Dead, DeadLetter{Thread: st.Thread, Session: st.No, Direction: Down, Texts: []string{m.Text}, Reason: CodeThreadGone, At: st.env.Now, Shadow: st.Shadow,
				Causes: []string{string(st.ev.ID)}, Kind: m.Kind, Speaker: m.Speaker})
		}
		return
	}
	m.Thread = st.Thread
	st.render(m, ToThread)
}

func (st *step) notice(text string, buttons ...Button) {
	st.post(Message{Kind: MessageNotice, Text: text, Buttons: buttons})
}

// answer tells the caller of a verb privately, if the way it came allows that.
func (st *step) answer(v Verb, text string) {
	if v.Answer != nil {
		st.render(Message{Kind: MessageAnswer, Text: text, Answer: v.Answer, Thread: st.Thread}, ToPerson)
	}
}

func (st *step) render(m Message, to Target) {
	for i, p := range st.env.Render(m) {
		d := Delivery{ID: st.nextID("post"), Thread: st.Thread, To: to, Post: &p, Message: &m, Piece: i, Cause: string(st.ev.ID), Session: st.No, Made: st.env.Now, Shadow: st.Shadow}
		if m.Answer != nil {
			d.GiveUp = m.Answer.Until
		}
		st.out.Deliveries = append(st.out.Deliveries, d)
	}
}

// visitorFor makes the visitor of the session that begins.
func (st *step) visitorFor(no int) ccm.Visitor {
	r := st.env.Route
	return ccm.Visitor{
		UserID:    hash24("visitor", st.env.Instance, string(st.Thread.ID()), fmt.Sprint(no)),
		UserName:  st.Customer.label(),
		ChannelID: r.Channel,
		Locale:    r.Locale,
	}
}

// letter makes a dead letter of what people wrote among held, and gives its Ref for [send again]; "" if there is none.
func (st *step) letter(held []Held, reason string) (ref string) {
	var texts, causes []string
	wished := -1 // so many texts came before the wish for an agent
	for _, h := range held {
		switch {
		case h.Kind == HeldText && !h.Own && !h.Deleted:
			texts, causes = append(texts, h.Text), append(causes, h.cause())
		case h.Kind == HeldTransfer && wished < 0:
			wished = len(texts)
		}
	}
	if len(texts) == 0 {
		return ""
	}
	ref = string(st.nextID("letter"))[:12]
	letter := Letter{Ref: ref, Texts: texts, Causes: causes}
	if wished >= 0 {
		letter.Agents = len(texts) - wished
	}
	st.Letters = append(st.Letters, letter)
	if extra := len(st.Letters) - maxLetters; extra > 0 {
		st.Letters = slices.Delete(st.Letters, 0, extra)
	}
	st.out.Dead = append(st.out.Dead, DeadLetter{Ref: ref, Thread: st.Thread, Session: st.No, Direction: Up, Texts: texts, Reason: reason, At: st.env.Now, Shadow: st.Shadow,
		Agents: letter.Agents, Causes: causes})
	return ref
}

const (
	maxLetters = 50 // dead letters a thread can send again
	maxSent    = 32 // texts an edit may be about
	maxShown   = 64 // SYSTEM texts remembered per session
)

func contentHash(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(h[:8])
}
