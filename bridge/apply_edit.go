package bridge

import (
	"slices"
	"strings"

	"ccbridge/ccm"
)

// correct handles an edit: what was not sent yet is changed, what was sent gets one correction line.
func (st *step) correct(id RemoteID, body string) {
	pieces := ccm.Split(sayCorrection(body))
	if len(pieces) > st.env.Limits.Parts {
		st.tooLong()
		return
	}
	i := st.sentIndex(id)
	switch {
	case i < 0 && !st.onItsWay(id):
		if !st.rewrite(id, body) {
			st.out.Note = "edit of what was not sent"
		}
		return
	case st.ends():
		st.out.Note = "edit after the end"
		return
	case i >= 0 && st.Sent[i].Hash == contentHash(body):
		st.out.Note = "edit without a change"
		return
	case i >= 0:
		st.Sent[i].Hash = contentHash(body)
	}
	lines := make([]Held, 0, len(pieces))
	for _, p := range pieces {
		lines = append(lines, Held{Kind: HeldText, Text: p, Message: id, At: st.ev.At, Received: st.ev.Received, Hash: contentHash(body)})
	}
	if len(st.Held)+len(lines) > st.env.Limits.Held {
		st.turnAway(lines)
		return
	}
	st.Held = append(st.Held, lines...)
}

// ends: the session is over or will be before anything more is said in it.
func (st *step) ends() bool { return !st.State.Open() || st.State == StateEnding || st.holds(HeldEnd) }

func (st *step) sentIndex(id RemoteID) int {
	return slices.IndexFunc(st.Sent, func(s Sent) bool { return s.Message == id })
}

// onItsWay: a piece of the message is being sent, so that the centre may have it.
func (st *step) onItsWay(id RemoteID) bool {
	return id != "" && st.Undone != nil && st.Undone.What != nil && st.Undone.What.Message == id
}

// rewrite changes a text that still waits: the new pieces stand where the first of the old stood. The lines for its
// files stay.
func (st *step) rewrite(id RemoteID, body string) (found bool) {
	change := func(list []Held) []Held {
		at := slices.IndexFunc(list, func(h Held) bool { return id != "" && h.Message == id })
		if at < 0 {
			return list
		}
		found = true
		first := list[at]
		var fresh []Held
		for _, p := range ccm.Split(body) {
			h := first
			h.Text, h.Hash = p, contentHash(body)
			fresh = append(fresh, h)
		}
		list = slices.DeleteFunc(list, func(h Held) bool { return h.Message == id && h.Hash != "" })
		return slices.Insert(list, at, fresh...)
	}
	st.Held = change(st.Held)
	if st.Asked != nil {
		st.Asked.Texts = change(st.Asked.Texts)
	}
	return found
}

// retract handles a deletion: what was not sent yet is forgotten, what was sent gets one retraction line.
func (st *step) retract(id RemoteID) {
	forgotten := 0
	forget := func(list []Held) []Held {
		before := len(list)
		list = slices.DeleteFunc(list, func(h Held) bool { return id != "" && h.Message == id })
		forgotten += before - len(list)
		return list
	}
	st.Held = forget(st.Held)
	if st.Asked != nil {
		st.Asked.Texts = forget(st.Asked.Texts)
	}
	i := st.sentIndex(id)
	switch {
	case i < 0 && !st.onItsWay(id):
		if forgotten == 0 {
			st.out.Note = "deletion of what was not sent"
		}
	case i < 0: // a line follows if it arrives; if not it is forgotten
		what := *st.Undone.What
		what.Deleted = true
		st.Undone.What = &what
	case st.ends():
		st.out.Note = "deletion after the end"
	default:
		st.lineOf(sayRetraction(st.Sent[i].Head), string(id))
		st.Sent = slices.Delete(st.Sent, i, i+1)
	}
}

// line sends a line of the bridge's own to the centre, behind what waits. It is of no use to another session, and goes
// when too much waits.
func (st *step) line(text string) { st.lineOf(text, string(st.ev.ID)) }

// lineOf is a line that comes from a message, or an event.
func (st *step) lineOf(text, from string) {
	if len(st.Held) >= st.env.Limits.Held {
		st.out.Note = "too much waits"
		return
	}
	st.Held = append(st.Held, Held{Kind: HeldText, Text: ccm.Split(text)[0], At: st.ev.At, Received: st.env.Now, Own: true, From: from})
}

// head is the beginning of a text, for a line that must name it.
func head(text string) string {
	const most = 60
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most]) + "…"
}
