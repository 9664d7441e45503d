package bridge

import (
	"slices"

	"ccbridge/ccm"
)

// downlink handles what the centre sent.
func (st *step) downlink(d ccm.Downlink) {
	switch {
	case st.State == StateNew:
		st.out.Note = "no session"
	case d.Control == ccm.Disconnect:
		st.centreEnds(d)
	case d.Control == ccm.Chat, d.Control == "":
		st.said(d)
		st.inEarnest(func() { st.say(d) })
	default:
		st.out.Note = "control type without effect"
	}
}

// Whose words a downlink carries (cec_07_0108: sourceType).
const (
	sourceAgent  = "AGENT"
	sourceRobot  = "ROBOT"
	sourceSystem = "SYSTEM"
)

// said draws from a message what it tells about the session. In opening, ending and ended it tells nothing: before the
// first poll it is a late word of the session before.
func (st *step) said(d ccm.Downlink) {
	switch st.State {
	case StateRobot, StateTransferring, StateQueued, StateAgent, StateDormant:
	default:
		return
	}
	switch {
	case d.Source == sourceAgent:
		st.AgentIn = true
		if st.State != StateTransferring { // there the call's result is waited for
			st.handOver(StateAgent)
		}
		st.word()
	case d.QueueFlag == "Y" && st.State == StateRobot:
		st.handOver(StateQueued)
	case d.Source == sourceRobot:
		st.word()
	}
}

// say shows a message of the robot, the agent or the centre.
func (st *step) say(d ccm.Downlink) {
	switch {
	case d.Source == "" && d.Content == "":
		st.notice(sayMediaNotShown) // it could not be read at all
	case d.Media != "TEXT" && d.Media != "":
		st.notice(sayMediaNotShown)
		if d.Source == sourceAgent && st.AgentIn && !st.FileTold && st.State != StateEnding && st.State != StateEnded {
			st.FileTold = true
			st.line(sayMediaNotShownToAgent)
		}
	case d.Content == "":
		st.out.Note = "nothing to show"
	case d.Source == sourceAgent:
		st.post(Message{Kind: MessageAgent, Text: d.Content, Speaker: nameOr(d, sayAgentName)})
	case d.Source == sourceRobot && st.robotMarked():
		st.post(Message{Kind: MessageRobot, Text: d.Content, Speaker: nameOr(d, sayRobotName)})
	case d.Source == sourceRobot:
		st.post(Message{Kind: MessageRobot, Text: d.Content})
	default:
		st.system(d)
	}
}

// system shows a text of the centre, once per session and content.
func (st *step) system(d ccm.Downlink) {
	key := contentHash(d.Content)
	if slices.Contains(st.Shown, key) {
		st.out.Note = "shown before"
		return
	}
	st.Shown = append(st.Shown, key)
	st.Shown = st.Shown[max(0, len(st.Shown)-maxShown):]
	st.post(Message{Kind: MessageSystem, Text: d.Content})
}

// robotMarked: where an agent could be meant, the robot's words bear its name.
func (st *step) robotMarked() bool {
	switch st.State {
	case StateQueued, StateAgent:
		return true
	case StateDormant:
		return st.Former != StateRobot
	case StateEnding, StateEnded:
		return st.AgentIn
	}
	return false
}

func nameOr(d ccm.Downlink, name string) string {
	if d.Nickname == "" {
		return name
	}
	return d.Nickname
}

// centreEnds handles the centre's DISCONNECT. In opening it is a late word about the session before.
func (st *step) centreEnds(d ccm.Downlink) {
	if st.State == StateEnded || st.State == StateOpening {
		st.out.Note = "ended before"
		return
	}
	if d.Content != "" {
		st.say(ccm.Downlink{Source: sourceSystem, Media: d.Media, Content: d.Content})
	}
	switch {
	case st.State == StateEnding:
		by := st.endingBy()
		st.end(by, st.ev.Received, sayEnded(by))
	case d.Offline:
		st.sleep()
	case d.Source == sourceAgent:
		st.end(EndedByCentre, st.ev.Received, sayEndedByAgent)
	default:
		st.end(EndedByCentre, st.ev.Received, sayEnded(EndedByCentre))
	}
}

// sleep: the centre closed the session softly; a message wakes it.
func (st *step) sleep() {
	switch {
	case st.State == StateDormant:
		return
	case st.State == StateTransferring && st.AgentIn:
		st.Former = StateAgent
	case st.State == StateTransferring:
		st.Former = StateRobot
	default:
		st.Former = st.State
	}
	st.enter(StateDormant)
}

// endingBy is for whom DISCONNECT is on its way.
func (st *step) endingBy() EndedBy {
	if st.Undone != nil && st.Undone.EndedBy != "" {
		return st.Undone.EndedBy
	}
	return EndedByCustomer
}
