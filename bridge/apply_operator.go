package bridge

import (
	"cmp"
	"slices"
)

// operator handles what was asked on the console. It is allowed in every thread, and has no private answer.
func (st *step) operator(v Verb) {
	switch {
	case v.Kind == VerbEnd && !st.State.Open():
		st.out.Note = "no session"
	case v.Kind == VerbEnd:
		st.verbEnd(v)
	case v.Kind == VerbResend:
		st.operatorResends(v)
	case v.Kind == VerbDrop:
		st.dropLetter(v.Ref)
	default:
		st.out.Note = "unknown verb"
	}
}

// operatorResends sends a dead letter again: the session's, or what the event carries. What cannot go now is a dead letter
// once more.
func (st *step) operatorResends(v Verb) {
	if d := v.Letter; d != nil && d.Direction == Down {
		for _, text := range d.Texts {
			st.post(Message{Kind: cmp.Or(d.Kind, MessageAgent), Text: text, Speaker: d.Speaker})
		}
		return
	}
	i := slices.IndexFunc(st.Letters, func(l Letter) bool { return l.Ref == v.Ref })
	switch d := v.Letter; {
	case d == nil && i < 0:
		st.out.Note = "sent again before"
	case d == nil && st.maySendAgain(st.Letters[i]):
		st.sendAgain(st.Letters[i])
	case d == nil:
		st.out.Note = "not possible now"
	default:
		l := Letter{Texts: d.Texts, Agents: d.Agents, Causes: d.Causes}
		if st.maySendAgain(l) {
			st.sendAgain(l)
			return
		}
		st.out.Note = "not possible now"
		again := *d
		again.At = st.env.Now
		st.out.Dead = append(st.out.Dead, again)
	}
}
