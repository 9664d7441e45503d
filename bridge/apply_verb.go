package bridge

import "slices"

// verb handles what a person asked of the bridge, whichever way it came. Every verb gets its private answer where the
// way has one, and asking twice has one effect.
func (st *step) verb(v Verb) {
	if v.Operator {
		st.operator(v)
		return
	}
	if st.State == StateNew && v.By.ID != "" {
		st.Customer, st.Direct, st.Lost = v.By, v.Direct, false
		if v.Make {
			st.post(Message{Kind: MessageMake, Origin: v.Message})
		}
	}
	if v.By.ID == "" || v.By.ID != st.Customer.ID && !st.env.Route.staff(v.By) {
		st.out.Note = "not allowed"
		st.answer(v, sayNotYours)
		return
	}
	switch v.Kind {
	case VerbAgent:
		st.verbAgent(v)
	case VerbEnd:
		st.verbEnd(v)
	case VerbAgain:
		st.verbAgain(v)
	case VerbResend:
		st.verbResend(v)
	case VerbRobot, VerbDrop:
		st.verbChoice(v)
	default:
		st.out.Note = "unknown verb"
		st.answer(v, sayTryLater)
	}
}

func holds(held []Held, kind HeldKind) bool {
	return slices.ContainsFunc(held, func(h Held) bool { return h.Kind == kind })
}

func (st *step) holds(kind HeldKind) bool { return holds(st.Held, kind) }

func (st *step) marker(kind HeldKind, by EndedBy) Held {
	return Held{Kind: kind, At: st.ev.At, Received: st.ev.Received, EndedBy: by, From: string(st.ev.ID)}
}

// verbAgent asks for a human: TRANS2AGENT, after CONNECT where no session is open.
func (st *step) verbAgent(v Verb) {
	wish := st.marker(HeldTransfer, "")
	end := slices.IndexFunc(st.Held, func(h Held) bool { return h.Kind == HeldEnd })
	switch {
	case end < 0 && (st.State == StateAgent || st.State == StateDormant && st.Former == StateAgent):
		st.answer(v, sayAlreadyAgent)
	case end < 0 && (st.wishUndone() || st.State == StateQueued || st.State == StateDormant && st.Former == StateQueued),
		holds(st.Held[end+1:], HeldTransfer): // a wish before the end goes with its session
		st.answer(v, sayAlreadyCalling)
	case st.State == StateNew, st.State == StateEnded && st.Undone == nil:
		st.answer(v, sayCalling)
		st.open([]Held{wish})
	default: // it waits for its turn, and what was asked about behind it: the verb is the customer's word
		st.answer(v, sayCalling)
		st.word()
		st.Held = append(append(st.Held, wish), st.askedTexts()...)
	}
}

// wishUndone: TRANS2AGENT is on its way, or it is being asked why it was refused.
func (st *step) wishUndone() bool {
	return st.Undone != nil && st.Undone.What != nil && st.Undone.What.Kind == HeldTransfer
}

// askedTexts takes what waits for the customer's word. Their time to be given up begins now.
func (st *step) askedTexts() []Held {
	if st.Asked == nil {
		return nil
	}
	texts := st.Asked.Texts
	st.Asked = nil
	for i := range texts {
		texts[i].Received = st.env.Now
	}
	return texts
}

// verbEnd asks for the end: DISCONNECT, behind what was written before.
func (st *step) verbEnd(v Verb) {
	switch {
	case !st.State.Open():
		st.answer(v, sayNothingToEnd)
		if st.State == StateNew {
			st.EndedBy, st.EndedAt = EndedByCustomer, st.env.Now
			st.enter(StateEnded)
			if v.Answer == nil {
				st.notice(sayNothingToEnd)
			}
		}
	case st.State == StateEnding || st.holds(HeldEnd):
		st.answer(v, sayEnding)
	default:
		st.answer(v, sayEnding)
		st.loseAsked()
		st.Held = append(st.Held, st.marker(HeldEnd, EndedByCustomer))
	}
}

// loseAsked turns text that still waits for a choice into a dead letter with [send again]: the choice is no more.
func (st *step) loseAsked() {
	texts := append([]Held{st.marker(HeldTransfer, "")}, st.askedTexts()...)
	st.giveBack(texts, CodeNobody, sayNotDelivered)
}

// verbAgain opens a new session with the text that waited for it.
func (st *step) verbAgain(v Verb) {
	switch {
	case st.State.Open():
		st.answer(v, sayAlreadyOpen)
	case st.Undone != nil:
		st.answer(v, sayTryLater)
	default:
		st.answer(v, sayOpening)
		st.open(nil)
	}
}

// verbResend sends a dead letter again, as if it had been written now.
func (st *step) verbResend(v Verb) {
	i := slices.IndexFunc(st.Letters, func(l Letter) bool { return l.Ref == v.Ref })
	if i < 0 {
		st.answer(v, sayResent)
		return
	}
	if !st.maySendAgain(st.Letters[i]) {
		st.answer(v, sayTryLater)
		return
	}
	st.answer(v, saySendingAgain)
	st.sendAgain(st.Letters[i])
}

// maySendAgain: nothing stands in the way of a letter at the moment.
func (st *step) maySendAgain(l Letter) bool {
	return !(st.State == StateEnded && st.Undone != nil) && len(st.Held)+len(l.Texts) <= st.env.Limits.Held
}

// sendAgain sends a letter as if it had been written now.
func (st *step) sendAgain(l Letter) {
	var held []Held
	for n, t := range l.Texts {
		if n == len(l.Texts)-l.Agents {
			held = append(held, st.marker(HeldTransfer, ""))
		}
		h := Held{Kind: HeldText, Text: t, At: st.ev.At, Received: st.ev.Received}
		if n < len(l.Causes) {
			h.From = l.Causes[n]
		}
		held = append(held, h)
	}
	if l.Ref != "" {
		st.dropLetter(l.Ref)
		st.out.Revived = append(st.out.Revived, l.Ref)
	}
	if st.State == StateEnded {
		st.open(held)
	} else {
		st.accept(held)
	}
}

// dropLetter has the session forget a dead letter.
func (st *step) dropLetter(ref string) {
	st.Letters = slices.DeleteFunc(st.Letters, func(l Letter) bool { return l.Ref == ref })
}

// verbChoice answers the question of a refused transfer.
func (st *step) verbChoice(v Verb) {
	if st.Asked == nil || st.Asked.Verb != VerbRobot || v.Ref != "" && v.Ref != st.Asked.Ref {
		st.answer(v, sayChosen)
		return
	}
	texts := st.askedTexts()
	if v.Kind == VerbDrop {
		st.answer(v, sayDropped)
		return
	}
	st.answer(v, sayToRobot)
	st.Held = append(st.Held, texts...)
}
