package bridge

import (
	"slices"
	"time"
)

// open begins session number + 1 with held as its first texts, behind what waits for a new session.
func (st *step) open(held []Held) {
	if st.env.Route.Adapter == "" { // nobody could be heard or shown anything
		st.letter(held, reasonNoRoute)
		return
	}
	if most := st.env.Limits.OpenPerCustomer; most > 0 && st.env.of(st.Shadow) >= most {
		if st.State == StateNew {
			st.EndedBy, st.EndedAt = EndedByRefusal, st.env.Now
			st.enter(StateEnded)
		}
		st.notice(sayTooManyOpen(most), resendButton(st.letter(held, "too many open"))...)
		return
	}
	wish := 0
	if len(held) > 0 && held[0].Kind == HeldTransfer {
		wish = 1
	}
	held = slices.Insert(slices.Clone(held), wish, st.askedTexts()...)
	for i := range held {
		held[i].Along = false
	}
	st.No++
	st.Visitor = st.visitorFor(st.No)
	st.Undone, st.Held = nil, held
	st.Sent, st.Shown, st.Former = nil, nil, ""
	st.FileTold, st.AgentIn, st.Lost = false, false, false
	st.Refused = time.Time{}
	st.enter(StateOpening)
	st.call(CallConnect, nil, st.giveUp(st.env.Now))
}

// afterEnd decides about text written in a thread whose session is over.
func (st *step) afterEnd(held []Held) {
	never := st.env.Route.Reopen == ReopenNever
	switch {
	case st.goAlong(held):
		st.notice(sayNewSession)
		st.open(held)
		return
	case st.Direct || st.env.Route.Reopen == ReopenAlways:
		st.open(held)
		return
	case st.env.Route.Adapter == "":
		st.letter(held, reasonNoRoute)
		return
	case st.Asked != nil: // the thread was told
	case never:
		st.question(VerbAgain)
		st.notice(sayClosed)
	default:
		st.question(VerbAgain)
		st.notice(sayEndedAsk, Button{VerbAgain, st.Asked.Ref, LabelAgain})
	}
	if never {
		st.letter(held, "closed")
		return
	}
	st.wait(held)
}

// goAlong: what was written or wished before the end was known belongs to the next session, whatever the route says
// (design §3). After the customer's own end and after a refusal nothing does.
func (st *step) goAlong(held []Held) bool {
	if st.EndedBy == EndedByCustomer || st.EndedBy == EndedByRefusal {
		return false
	}
	return slices.ContainsFunc(held, func(h Held) bool {
		return h.Kind != HeldEnd && !h.Own && (h.Along || h.At.Before(st.EndedAt))
	})
}

// afterEndAll decides about everything that waited when the session ended.
func (st *step) afterEndAll(held []Held) {
	if st.Lost { // nobody is there any more to read an answer
		st.letter(held, CodeThreadGone)
		return
	}
	held = slices.DeleteFunc(held, func(h Held) bool { return h.Own || h.Kind == HeldEnd && h.EndedBy != EndedByCustomer })
	end := slices.IndexFunc(held, func(h Held) bool { return h.Kind == HeldEnd })
	if end >= 0 && !holds(held[:end], HeldText) { // the end the customer asked for has come
		st.EndedBy, held = EndedByCustomer, held[end+1:]
	}
	switch {
	case len(held) == 0:
	case holds(held, HeldTransfer) && !st.goAlong(held):
		st.open(held)
	default:
		st.afterEnd(held)
	}
}
