package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ccbridge/ccm"
)

// Erase implements Console. Each thread is one transaction; at last the store itself is made free of what was there. A
// worker that had read a thread before finds its version changed, and reads it again.
func (c console) Erase(ctx context.Context, adapter string, who UserID) (Erased, error) {
	if who == "" {
		return Erased{}, errors.New("erase nobody: a user id is missing")
	}
	if c.live != nil {
		c.live.parking.forget(adapter, who)
	}
	var all Erased
	theirs, err := c.store.Theirs(ctx, adapter, who)
	if err != nil {
		return all, fmt.Errorf("look for what %s wrote: %w", who, err)
	}
	for _, t := range theirs {
		var left Session
		done, err := c.store.EraseThread(ctx, t, who, func(s Session) (Session, []Delivery) {
			var out []Delivery
			left, out = s.erased(time.Now(), c.store.Instance())
			return left, out
		})
		all.add(done)
		if err != nil {
			return all, fmt.Errorf("erase in thread %s: %w", t.ID, err)
		}
		if c.live != nil {
			c.live.erased(t.Key, left, done.Ended)
		}
	}
	if err := c.store.Wipe(ctx); err != nil {
		return all, fmt.Errorf("wipe what was erased out of the store's files: %w; it has to be erased once more", err)
	}
	return all, nil
}

func (e *Erased) add(more Erased) {
	e.Threads += more.Threads
	e.Ended += more.Ended
	e.Waiting += more.Waiting
	e.Rows += more.Rows
}

// erased has the bridge forget what it remembers of a thread. left is its session, if it belonged to whom was erased, and
// ended is 1 if that was open.
func (b *Bridge) erased(t ThreadKey, left Session, ended int) {
	for range ended {
		b.Meter.Ended(t.Adapter, EndedByCustomer)
	}
	b.Log.Info("words were erased", slog.String("thread", t.String()))
	b.recent.forget(t)
	if left.Thread == t {
		b.polls.watch(left)
	}
	b.steps.wake(t)
	b.outbox.wake(laneKey{t, ToCentre})
}

// erased is a session of which only ids and times are left. An open one is over: the centre is told, and what it still
// says is of a past session, so that no poll on its way and no history brings words back.
func (s Session) erased(now time.Time, instance string) (Session, []Delivery) {
	e := Session{Thread: s.Thread, No: s.No, State: s.State, Since: s.Since, Customer: User{ID: s.Customer.ID}, Direct: s.Direct,
		Version: s.Version, Cursor: s.Cursor, First: s.First, Made: s.Made, EndedAt: s.EndedAt, EndedBy: s.EndedBy, Lost: s.Lost, Shadow: s.Shadow}
	if !s.State.Open() {
		return e, nil
	}
	e.No++
	e.State, e.Since, e.EndedAt, e.EndedBy = StateEnded, now, now, EndedByCustomer
	e.Made++
	if s.Shadow {
		return e, nil
	}
	return e, []Delivery{{ID: DeliveryID(hash24("call", instance, string(s.Thread.ID()), fmt.Sprint(e.Made))), Thread: s.Thread,
		To: ToCentre, Session: s.No, Made: now, GiveUp: now.Add(eraseGiveUp),
		Call: &Call{Kind: CallDisconnect, Visitor: nameless(s.Visitor)}}}
}

// eraseGiveUp is how long the centre is told again and again that an erased session is over.
const eraseGiveUp = time.Hour

func nameless(v ccm.Visitor) ccm.Visitor {
	v.UserName = ""
	return v
}

// Wordless is an event of which only ids, times and kinds are left.
func (ev Event) Wordless() Event {
	if t := ev.Text; t != nil {
		ev.Text = &Text{Author: User{ID: t.Author.ID}, Message: t.Message, Mention: t.Mention, TopLevel: t.TopLevel, Direct: t.Direct,
			Make: t.Make, Edited: t.Edited, Deleted: t.Deleted}
	}
	if v := ev.Verb; v != nil {
		ev.Verb = &Verb{Kind: v.Kind, By: User{ID: v.By.ID}, Ref: v.Ref, Direct: v.Direct, Opens: v.Opens, Make: v.Make, Message: v.Message, Operator: v.Operator}
	}
	if d := ev.Downlink; d != nil {
		ev.Downlink = &ccm.Downlink{Control: d.Control, Source: d.Source, Media: d.Media, MessageCode: d.MessageCode, Timestamp: d.Timestamp,
			Offline: d.Offline, QueueFlag: d.QueueFlag}
	}
	return ev
}

// Wordless is a delivery of which only ids, times and kinds are left.
func (d Delivery) Wordless() Delivery {
	if c := d.Call; c != nil {
		d.Call = &Call{Kind: c.Kind, Visitor: nameless(c.Visitor)}
	}
	if m := d.Message; m != nil {
		d.Message = &Message{Kind: m.Kind, Thread: m.Thread}
	}
	d.Post = nil
	return d
}

// Without is the session of somebody else's thread without what came from some messages, named as by Delivery.Cause. A
// call on its way for one of them stays, as of a text that its writer took back.
func (s Session) Without(from func(cause string) bool) Session {
	s = s.clone()
	keep := func(list []Held) (rest []Held) {
		for _, h := range list {
			if h.Kind != HeldText || !from(h.cause()) {
				rest = append(rest, h)
			}
		}
		return rest
	}
	s.Held = keep(s.Held)
	if s.Asked != nil {
		s.Asked.Texts = keep(s.Asked.Texts)
	}
	if u := s.Undone; u != nil && u.What != nil && u.What.Kind == HeldText && from(u.What.cause()) {
		what := *u.What
		what.Text, what.Hash, what.Deleted = "", "", true
		u.What = &what
	}
	var sent []Sent
	for _, one := range s.Sent {
		if !from(string(one.Message)) {
			sent = append(sent, one)
		}
	}
	s.Sent = sent
	var letters []Letter
	for _, l := range s.Letters {
		if l.Texts, l.Causes, l.Agents = WithoutTexts(l.Texts, l.Causes, l.Agents, from); len(l.Texts) > 0 {
			letters = append(letters, l)
		}
	}
	s.Letters = letters
	return s
}

// WithoutTexts is a dead letter's texts, their causes, and how many of them were meant for an agent, without those that
// came from some messages.
func WithoutTexts(texts, causes []string, agents int, from func(cause string) bool) (rest, restCauses []string, restAgents int) {
	for n, text := range texts {
		if n < len(causes) && from(causes[n]) {
			continue
		}
		rest = append(rest, text)
		if n < len(causes) {
			restCauses = append(restCauses, causes[n])
		}
		if n >= len(texts)-agents {
			restAgents++
		}
	}
	return rest, restCauses, restAgents
}
