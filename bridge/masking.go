package bridge

import (
	"slices"

	"ccbridge/bridge/mask"
)

// What a route masks before the centre is masked when the session gets it, and what it masks before the ledger when it
// becomes a row there. With both, what people write is masked at the door and never on disk as it was. What the centre
// says is shown as it is, so until then it is kept as it is. A delivery's hash of its content is of what was sent.

// atTheDoor is an event as it may be stored.
func (r Route) atTheDoor(ev Event) Event {
	if r.MaskLedger.Empty() {
		return ev
	}
	return r.forCentre(ev)
}

// forCentre is an event as its session gets it.
func (r Route) forCentre(ev Event) Event { return maskWritten(ev, r.MaskCentre) }

// forLedger is an event as the ledger keeps it.
func (r Route) forLedger(ev Event) Event {
	m := r.MaskLedger
	if m.Empty() {
		return ev
	}
	ev = maskWritten(ev, m)
	if ev.Downlink != nil {
		d := *ev.Downlink
		d.Nickname, d.SimQuestions = m.Text(d.Nickname), m.Text(d.SimQuestions)
		if d.Media == mediaText || d.Media == "" {
			d.Content = m.Text(d.Content)
		}
		ev.Downlink = &d
	}
	return ev
}

// maskWritten masks what a person wrote, or has sent again, and the person's name.
func maskWritten(ev Event, m mask.Mask) Event {
	switch {
	case m.Empty():
	case ev.Text != nil:
		t := *ev.Text
		t.Body, t.Files, t.Author.Name = m.Text(t.Body), m.Texts(t.Files), m.Text(t.Author.Name)
		ev.Text = &t
	case ev.Verb != nil:
		v := *ev.Verb
		v.By.Name = m.Text(v.By.Name)
		if v.Letter != nil && v.Letter.Direction == Up {
			l := *v.Letter
			l.Texts = m.Texts(l.Texts)
			v.Letter = &l
		}
		ev.Verb = &v
	}
	return ev
}

// deadForLedger gives dead letters as the ledger keeps them.
func (r Route) deadForLedger(letters []DeadLetter) []DeadLetter {
	if r.MaskLedger.Empty() || len(letters) == 0 {
		return letters
	}
	letters = slices.Clone(letters)
	for i, d := range letters {
		letters[i].Texts, letters[i].Speaker = r.MaskLedger.Texts(d.Texts), r.MaskLedger.Text(d.Speaker)
	}
	return letters
}

// settledForLedger has the ledger keep a delivery without what is masked; nil: as it is. The post goes: it has the
// message's words in the platform's form.
func (r Route) settledForLedger(d Delivery) *Delivery {
	m := r.MaskLedger
	if m.Empty() {
		return nil
	}
	if d.Call != nil {
		c := *d.Call
		c.Content, c.Visitor.UserName = m.Text(c.Content), m.Text(c.Visitor.UserName)
		d.Call = &c
	}
	if d.Message != nil {
		say := *d.Message
		say.Text, say.Speaker = m.Text(say.Text), m.Text(say.Speaker)
		d.Message = &say
	}
	d.Post = nil
	return &d
}
