package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A situation is a state, and what waits in it; its script leads there from a new thread.
type situation struct {
	state  State
	with   string
	script []string
}

const (
	toRobot  = "text msg=m1: one\nok\nok"
	toAgent  = toRobot + "\nagent name=Bo: hello"
	toQueue  = toRobot + "\nverb agent\nok"
	toChoice = toRobot + "\nverb agent\ntext msg=m2: two\nrefused nobody"
)

func situations() []situation {
	list := []struct {
		state        State
		with, script string
	}{
		{StateNew, "", ""},
		{StateOpening, "", "text msg=m1: one"},
		{StateOpening, "a wish and text behind it", "text msg=m1: one\nverb agent\ntext msg=m2: two"},
		{StateRobot, "", toRobot},
		{StateRobot, "a CHAT undone", toRobot + "\ntext msg=m2: two"},
		{StateRobot, "a refused text asked about", toRobot + "\ntext msg=m2: two\nrefused suspect"},
		{StateRobot, "a choice", toChoice},
		{StateRobot, "a warning of idleness", toRobot + "\nring idle"},
		{StateRobot, "a CHAT undone and the end waiting", toRobot + "\ntext msg=m2: two\nverb end"},
		{StateTransferring, "", toRobot + "\nverb agent"},
		{StateTransferring, "text", toRobot + "\nverb agent\ntext msg=m2: two"},
		{StateTransferring, "text, and the agent has written", toRobot + "\nverb agent\ntext msg=m2: two\nagent name=Bo: hello"},
		{StateTransferring, "the wish asked about", toRobot + "\nverb agent\ntext msg=m2: two\nrefused suspect"},
		{StateQueued, "", toQueue},
		{StateQueued, "the query undone", toQueue + "\nring queue\ntext msg=m2: two"},
		{StateAgent, "", toAgent},
		{StateAgent, "a CHAT undone", toAgent + "\ntext msg=m2: two"},
		{StateDormant, "the robot before", toRobot + "\ndisconnect offline"},
		{StateDormant, "the agent before", toAgent + "\ndisconnect offline"},
		{StateDormant, "a choice", toChoice + "\ndisconnect offline"},
		{StateDormant, "a CHAT undone", toRobot + "\ntext msg=m2: two\ndisconnect offline"},
		{StateDormant, "TRANS2AGENT undone", toRobot + "\nverb agent\ntext msg=m2: two\ndisconnect offline"},
		{StateEnding, "", toRobot + "\nverb end"},
		{StateEnding, "text", toRobot + "\nverb end\ntext msg=m2: two"},
		{StateEnded, "by the customer", toRobot + "\nverb end\nok"},
		{StateEnded, "by the centre", toRobot + "\ndisconnect"},
		{StateEnded, "by refusal", "text msg=m1: one\nrefused outside-hours"},
		{StateEnded, "a CHAT undone", toRobot + "\ntext msg=m2: two\ndisconnect"},
		{StateEnded, "asked whether to open again", toRobot + "\ndisconnect\ntext msg=m2: two"},
	}
	var out []situation
	for _, s := range list {
		var script []string
		if s.script != "" {
			script = strings.Split(s.script, "\n")
		}
		out = append(out, situation{s.state, s.with, script})
	}
	return out
}

// everyEvent lists every kind of event: text and verbs by everybody, downlinks, results by call, outcome and code, timers.
func everyEvent() []string {
	list := []string{
		"text: word", "text mention:", "text: LONG", "text file=a.pdf: word", "text at=-1m: earlier", "text by=bob: word",
		"text by=staff: word", "text nobody: word", "text msg=m1 edited: new", "text msg=m2 edited: new", "text msg=m1 deleted nobody:",
		"text msg=m2 deleted:",
	}
	for _, v := range []VerbKind{VerbAgent, VerbEnd, VerbAgain, VerbResend, VerbRobot, VerbDrop} {
		list = append(list, "verb "+string(v)+" ref=#1", "verb "+string(v)+" by=eve", "verb "+string(v)+" by=staff ref=#9")
	}
	list = append(list, "verb unheard-of",
		"robot name=Robbie: word", "agent name=Bo: word", "agent image: 4711", "system: word", "system queued: word", "unreadable", "read",
		"disconnect", "disconnect by=agent", "disconnect offline: word", "disconnect offline",
		"ok")
	for _, c := range []string{CodeOutsideHours, CodeNobody, CodeAlready, CodeSuspect, CodeLost, "unheard-of"} {
		list = append(list, "refused "+c)
	}
	list = append(list, "given-up", "unknown", "queue 0", "queue 160021", "queue 160022", "queue 5", "queue 99", "past", "over",
		"unshown agent", "unshown robot", "unshown notice", "unshown agent code="+CodeThreadGone, "gone")
	for _, k := range Timers {
		list = append(list, "ring "+string(k))
	}
	return append(list, "ring unheard-of")
}

// TestEveryStateAndEvent compares what every event does in every situation with testdata/states.golden.
func TestEveryStateAndEvent(t *testing.T) {
	t.Parallel()
	golden(t, "testdata/states.golden", func(t *testing.T, _ string) string {
		var out strings.Builder
		out.WriteString("# situation, then: event → what comes of it. Written by -update, read against design §4 line by line.\n")
		for _, s := range situations() {
			fmt.Fprintf(&out, "\n## %s\n", s.name())
			begun := newPlay(t.Fatalf)
			for _, c := range s.script {
				begun.do(c)
			}
			if begun.s.State != s.state {
				t.Fatalf("the script of %s leads to %q", s.name(), begun.s.State)
			}
			for _, e := range everyEvent() {
				p := begun.fork()
				p.fail = func(format string, args ...any) {
					t.Helper()
					t.Fatalf("%s, %s: %s", s.name(), e, fmt.Sprintf(format, args...))
				}
				if strings.HasPrefix(e, "text at=") {
					p.do("wait 30s")
				}
				p.do(e)
				fmt.Fprintf(&out, "%s → %s\n", e, strings.Join(p.lines, "; "))
			}
		}
		return out.String()
	})
}

func (s situation) name() string {
	state := string(s.state)
	if state == "" {
		state = "new"
	}
	if s.with == "" {
		return state
	}
	return state + ", " + s.with
}

// TestEveryStateHasASituation keeps the list complete.
func TestEveryStateHasASituation(t *testing.T) {
	t.Parallel()
	for _, state := range States {
		if !slices.ContainsFunc(situations(), func(s situation) bool { return s.state == state }) {
			t.Errorf("no situation for state %q", state)
		}
	}
}

// TestApplyOfNothing: whatever is missing, Apply does not panic.
func TestApplyOfNothing(t *testing.T) {
	t.Parallel()
	kind := TimerKind("")
	events := []Event{{}, {Text: &Text{}}, {Text: &Text{Edited: true}}, {Text: &Text{Deleted: true}}, {Verb: &Verb{}}, {Gone: &Gone{}},
		{Downlink: nil}, {Result: &Result{}}, {Result: &Result{Target: ToCentre}}, {Result: &Result{Target: ToCentre, Outcome: Refused, Code: CodeLost}}, {Due: &kind}}
	for _, k := range Timers {
		events = append(events, Event{Due: &k})
	}
	for _, situation := range append(situations(), situation{}) {
		p := newPlay(t.Fatalf)
		for _, c := range situation.script {
			p.do(c)
		}
		for _, ev := range events {
			for _, state := range append(States, p.s.State) { // also where no script leads
				s := p.s
				s.State = state
				if ev.Result != nil && s.Undone != nil {
					r := *ev.Result
					r.Delivery = s.Undone.ID
					ev.Result = &r
				}
				env := p.env
				s.Apply(ev, env)
				env.Route, env.Limits = Route{}, Limits{}
				s.Apply(ev, env)
			}
		}
	}
}
