package bridge

import (
	"slices"
	"strings"

	"ccbridge/ccm"
)

// text handles what a person wrote, changed or took back.
func (st *step) text(t Text) {
	routed := st.env.Route.Adapter != ""
	if !routed && !st.State.Open() {
		st.strand(t)
		return
	}
	if st.State == StateNew && !st.begins(t) {
		st.out.Note = "begins no session"
		return
	}
	body, ok := st.carried(t)
	switch {
	case !ok:
		st.out.Note = "not the customer's"
		return
	case t.Deleted, t.Edited && strings.TrimSpace(t.Body) == "":
		st.retract(t.Message)
		return
	case t.Edited:
		st.correct(t.Message, body)
		return
	}
	st.word()
	st.Lost = false
	// An end that waits because nobody wrote, or because the thread was gone, is void.
	st.Held = slices.DeleteFunc(st.Held, func(h Held) bool { return routed && h.Kind == HeldEnd && h.EndedBy != EndedByCustomer })
	if held, ok := st.pieces(t, body); ok || st.State == StateNew {
		st.accept(held)
	}
}

// strand keeps as a dead letter what was accepted just before its route went, where no session is open to take it. A new
// thread then has its customer, as where too many are open: what is written in it when a route leads there again counts.
func (st *step) strand(t Text) {
	st.out.Note = reasonNoRoute
	if t.Edited || t.Deleted || t.Body == "" || t.Author.ID == "" || st.State != StateNew && t.Author.ID != st.Customer.ID {
		return
	}
	if st.State == StateNew {
		st.Customer, st.Direct = t.Author, t.Direct
		st.EndedBy, st.EndedAt = EndedByRefusal, st.env.Now
		st.enter(StateEnded)
	}
	var held []Held
	for _, l := range ccm.Split(t.Body) {
		held = append(held, Held{Kind: HeldText, Text: l, Message: t.Message})
	}
	st.letter(held, reasonNoRoute)
}

// reasonNoRoute: no route leads to the thread any more.
const reasonNoRoute = "no route"

// begins says whether a message begins the thread's first session: then its author is the customer.
func (st *step) begins(t Text) bool {
	if t.Edited || t.Deleted || t.Author.ID == "" || !st.env.Route.opensBy(t) {
		return false
	}
	st.Customer, st.Direct, st.Lost = t.Author, t.Direct, false
	if t.Make {
		st.post(Message{Kind: MessageMake, Text: t.Body, Origin: t.Message})
	}
	return true
}

// carried says whether the author's words go to the centre, and with what before them.
func (st *step) carried(t Text) (body string, ok bool) {
	switch {
	case t.Author.ID == "":
		return "", t.Deleted // whose it was is known by the message's id
	case t.Author.ID == st.Customer.ID:
		return t.Body, true
	case st.env.Route.Speakers != SpeakersEveryone || st.env.Route.staff(t.Author) || !st.State.Open():
		return "", false
	}
	return t.Author.label() + ": " + t.Body, true
}

// pieces makes what is held of a text: its pieces, then a line for each file. false: it was refused and the writer told.
func (st *step) pieces(t Text, body string) ([]Held, bool) {
	var lines []string
	if strings.TrimSpace(t.Body) != "" {
		lines = ccm.Split(body)
	}
	if len(lines) > st.env.Limits.Parts {
		st.tooLong()
		return nil, false
	}
	held := make([]Held, 0, len(lines)+len(t.Files))
	for _, l := range lines {
		held = append(held, Held{Kind: HeldText, Text: l, Message: t.Message, At: st.ev.At, Received: st.ev.Received, Hash: contentHash(body)})
	}
	for _, f := range t.Files {
		held = append(held, Held{Kind: HeldText, Text: ccm.Split(sayFile(f))[0], Message: t.Message, At: st.ev.At, Received: st.ev.Received})
	}
	if len(t.Files) > 0 {
		st.notice(sayFileNotCarried)
	}
	if len(held) > 0 && len(st.Held)+len(held) > st.env.Limits.Held {
		st.turnAway(held)
		return nil, false
	}
	return held, true
}

func (st *step) tooLong() {
	st.out.Note = "too long"
	st.notice(sayTooLong(st.env.Limits.Parts * ccm.MaxContent))
}

// turnAway refuses text because too much waits already.
func (st *step) turnAway(held []Held) {
	st.out.Note = "too much waits"
	if st.State == StateTransferring || st.holds(HeldTransfer) || st.Asked != nil && st.Asked.Verb == VerbRobot {
		held = append([]Held{st.marker(HeldTransfer, "")}, held...) // it was meant for the agent
	}
	st.notice(sayTooMuchWaits, resendButton(st.letter(held, "held full"))...)
}

// accept brings text to where the state wants it. With no text it is a mention alone: it opens and says nothing.
func (st *step) accept(held []Held) {
	switch {
	case st.State == StateNew:
		st.open(held)
	case st.State == StateEnded && st.Undone == nil:
		st.afterEnd(held)
	case len(held) > 0 && st.mustAsk():
		st.ask(held)
	default:
		st.Held = queueUp(st.Held, held)
	}
}

// queueUp puts texts behind what waits, but before texts that the platform says were written later: over several lines
// a platform's events may overtake each other. A wish is never overtaken; its time may be our clock's.
func queueUp(waiting, fresh []Held) []Held {
	at := len(waiting)
	for at > 0 && len(fresh) > 0 && waiting[at-1].overtook(fresh[0]) {
		at--
	}
	return slices.Insert(waiting, at, fresh...)
}

// overtook: both are a platform's texts, and h was written later.
func (h Held) overtook(late Held) bool {
	return h.Kind == HeldText && late.Kind == HeldText && h.Message != "" && late.Message != "" && h.At.After(late.At)
}

// mustAsk: the text would reach the robot although it was meant for the agent, because it stands behind text that waits
// for the customer's choice or was written before the refusal of the transfer was known.
func (st *step) mustAsk() bool {
	if st.State != StateRobot && (st.State != StateDormant || st.Former != StateRobot) {
		return false
	}
	if st.holds(HeldTransfer) || st.wishUndone() { // it waits for that wish
		return false
	}
	return st.Asked != nil || st.ev.Text != nil && st.ev.At.Before(st.Refused)
}

// ask has text wait for the customer's choice between robot and nobody.
func (st *step) ask(held []Held) {
	if st.Asked == nil {
		st.question(VerbRobot)
		st.notice(sayHeldBack, st.choice()...)
	}
	st.wait(slices.DeleteFunc(held, func(h Held) bool { return h.Kind != HeldText })) // the choice decides about a wish
}

func (st *step) question(verb VerbKind) {
	st.Asked = &Asked{Ref: string(st.nextID("ask"))[:12], Verb: verb}
}

// wait puts text behind what already waits for the customer's word.
func (st *step) wait(held []Held) {
	if len(st.Asked.Texts)+len(held) > st.env.Limits.Held {
		st.turnAway(held)
		return
	}
	st.Asked.Texts = queueUp(st.Asked.Texts, held)
}

func (st *step) choice() []Button {
	return []Button{{VerbRobot, st.Asked.Ref, LabelRobot}, {VerbDrop, st.Asked.Ref, LabelDrop}}
}

func resendButton(ref string) []Button {
	if ref == "" {
		return nil
	}
	return []Button{{VerbResend, ref, LabelResend}}
}
