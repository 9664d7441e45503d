package bridge

import (
	"ccbridge/ccm"
)

// result handles the end of a delivery.
func (st *step) result(r Result) {
	if r.Target != ToCentre {
		st.postResult(r)
		return
	}
	if st.Undone == nil || st.Undone.ID != r.Delivery {
		st.unasked(r)
		return
	}
	if r.Outcome == Delivered {
		st.Accepted = st.env.Now
	}
	switch st.Undone.Kind {
	case CallConnect:
		st.connectResult(r)
	case CallChat:
		st.chatResult(r)
	case CallTransfer:
		st.transferResult(r)
	case CallDisconnect:
		by := st.Undone.EndedBy
		st.end(by, st.env.Now, sayEnded(by))
	case CallQueue:
		st.queueAnswer(r)
	}
}

// overID is the event id of what a poll learns when it has reason to doubt that the visitor's session lives.
func overID(v ccm.Visitor) EventID { return EventID("o:" + v.UserID) }

// unasked handles a result that no undone call waits for: only a poll's word that this session is over counts.
func (st *step) unasked(r Result) {
	over := r.Delivery == "" && r.Queue != nil && r.Queue.State() == ccm.Over && st.ev.ID == overID(st.Visitor)
	if over && st.State.Polled() && st.State != StateEnding && st.State != StateDormant { // there a refused CHAT decides
		st.lose()
		return
	}
	st.out.Note = "result of a past call"
}

func (st *step) connectResult(r Result) {
	st.Undone = nil
	if r.Outcome == Delivered {
		st.enter(StateRobot)
		st.notice(sayWelcome, Button{Verb: VerbAgent, Label: LabelAgent}, Button{Verb: VerbEnd, Label: LabelEnd})
		return
	}
	held := st.Held
	st.Held = nil
	st.end(EndedByRefusal, st.env.Now, "")
	say := sayNotConnected(r)
	ref := st.letter(held, reason(r))
	if ref != "" {
		say += " " + sayNotDelivered
	}
	st.notice(say, resendButton(ref)...)
}

func (st *step) chatResult(r Result) {
	text := st.Undone.What
	switch {
	case r.Outcome == Delivered:
		st.Undone = nil
		st.sent(*text)
		if text.Deleted {
			st.retract(text.Message)
		}
	case r.Code == CodeLost, r.Code == CodeSuspect && st.State == StateEnded:
		st.putBack()
		st.lose()
	case r.Code == CodeSuspect:
		st.call(CallQueue, text, st.giveUp(text.Received))
	default:
		st.undelivered(r)
	}
}

// sent remembers a text the centre accepted.
func (st *step) sent(h Held) {
	if h.Message == "" || st.sentIndex(h.Message) >= 0 {
		return
	}
	st.Sent = append(st.Sent, Sent{Message: h.Message, Head: head(st.env.Route.MaskLedger.Text(h.Text)), Hash: h.Hash})
	st.Sent = st.Sent[max(0, len(st.Sent)-maxSent):]
}

// undelivered gives a text up, and with it what waits and is as old, in one dead letter. What stands behind the wish for
// an agent stays there: it may go to nobody else.
func (st *step) undelivered(r Result) {
	given := []Held{*st.Undone.What}
	st.Undone = nil
	if r.Outcome == GivenUp {
		var rest []Held
		wished := false
		for _, h := range st.Held {
			wished = wished || h.Kind == HeldTransfer
			if h.Kind == HeldText && !wished && !st.giveUp(h.Received).After(st.env.Now) {
				given = append(given, h)
			} else {
				rest = append(rest, h)
			}
		}
		st.Held = rest
	}
	say := sayNotDelivered
	if r.Outcome == Unknown {
		say = sayUnknown
	}
	st.giveBack(given, reason(r), say)
}

func (st *step) transferResult(r Result) {
	wish := st.Undone.What
	switch {
	case r.Code == CodeLost:
		st.putBack()
		st.lose()
	case r.Code == CodeSuspect:
		st.call(CallQueue, wish, st.giveUp(wish.Received))
	case r.Code == CodeAlready, st.AgentIn, r.Queue != nil && r.Queue.State() == ccm.WithAgent:
		st.Undone = nil
		st.handOver(StateAgent)
	case r.Outcome == Delivered:
		st.Undone = nil
		st.handOver(StateQueued)
		st.notice(sayQueued)
	default:
		st.Undone = nil
		st.transferRefused(r)
	}
}

// handOver: from now on text goes to the queue or the agent, first of all what waited for the choice between robot and
// nobody: it was meant for them.
func (st *step) handOver(to State) {
	st.enter(to)
	st.Held = append(st.askedTexts(), st.Held...)
}

// transferRefused: what was meant for the agent waits for the customer's word. If the end was asked for meanwhile there
// is nothing to choose any more.
func (st *step) transferRefused(r Result) {
	st.enter(StateRobot)
	st.Refused = st.env.Now
	meant := append(st.askedTexts(), st.texts()...)
	switch {
	case len(meant) == 0 && st.holds(HeldEnd):
		st.notice(sayNoAgent(r))
	case len(meant) == 0:
		st.notice(sayNoAgent(r) + " " + sayGoOn)
	case st.holds(HeldEnd):
		meant = append([]Held{st.marker(HeldTransfer, "")}, meant...)
		st.notice(sayNoAgent(r)+" "+sayNotDelivered, resendButton(st.letter(meant, reason(r)))...)
	default:
		st.question(VerbRobot)
		st.Asked.Texts = meant
		st.notice(sayNoAgent(r)+" "+sayGoOn+" "+sayNotPassedOn, st.choice()...)
	}
}

// queueAnswer handles what the centre says about the session: asked while it waits for an agent (nothing is carried),
// and asked when a text or the wish for an agent was refused as if there were no session.
func (st *step) queueAnswer(r Result) {
	what := st.Undone.What
	state := ccm.UnknownState
	if r.Outcome == Delivered && r.Queue != nil {
		state = r.Queue.State()
	}
	if what == nil {
		st.Undone = nil
	} else if state != ccm.UnknownState {
		st.putBack()
	}
	switch {
	case state == ccm.Over:
		st.lose()
	case state == ccm.WithAgent && (st.State == StateRobot || st.State == StateTransferring || st.State == StateQueued):
		st.handOver(StateAgent)
	case state == ccm.Queuing && st.State == StateTransferring:
		st.handOver(StateQueued)
		st.notice(sayQueued)
	case state == ccm.WithRobot && st.State == StateTransferring:
		st.enter(StateRobot) // the wish is tried again
	case what == nil:
		if st.State == StateQueued {
			st.start(TimerQueue, st.env.Limits.queueGap())
		}
	case state != ccm.UnknownState: // the session lives: the text is tried again
	case what.Kind == HeldTransfer:
		st.Undone = nil
		st.transferRefused(r)
	default:
		st.undelivered(r)
	}
}

// postResult handles a post that could not be shown.
func (st *step) postResult(r Result) {
	switch {
	case r.Outcome == Delivered, r.Target == ToPerson:
	case r.Code == CodeThreadGone:
		st.gone()
	case r.Message == MessageAgent && st.agentThere():
		st.line(sayNotShownToAgent)
	case r.Message == MessageAgent, r.Message == MessageRobot, r.Message == MessageSystem:
		st.notice(sayNotShown)
	}
}

// agentThere: an agent reads what is sent.
func (st *step) agentThere() bool {
	return st.State == StateAgent || st.State == StateTransferring && st.AgentIn || st.State == StateDormant && st.Former == StateAgent
}

func reason(r Result) string {
	if r.Code != "" {
		return r.Code
	}
	if r.Detail != "" {
		return r.Detail
	}
	return string(r.Outcome)
}

// gone ends the session of a thread that is no more.
func (st *step) gone() {
	switch {
	case !st.State.Open():
		st.out.Note = "no session"
	case st.State == StateEnding || st.holds(HeldEnd):
		st.out.Note = "ends already"
	default:
		if st.agentThere() {
			st.line(sayThreadGoneToAgent)
		}
		st.Held = append(st.Held, st.marker(HeldEnd, EndedByGone))
	}
	st.Lost = true
}
