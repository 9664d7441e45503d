package bridge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNothingVanishes plays random conversations against a model of what must become of each text (design §2.2, §2.3,
// §2.5, §3): it is in exactly one place, the centre gets the texts in the order written, and what was meant for the
// agent does not reach the robot without the customer's word. What must hold after every single step is in play.check.
func TestNothingVanishes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			m.step(m.draw())
		}
		m.drain()
	})
}

// TestRandomEvents adds edits, deletions, strangers, and shadow mode switched on and off, for what play.check sees.
func TestRandomEvents(t *testing.T) {
	t.Parallel()
	events := everyEvent()
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlay(rt.Fatalf)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			if p.s.Undone != nil && p.s.Undone.Kind != CallQueue && rapid.IntRange(0, 3).Draw(rt, "settle") == 0 {
				p.do("ok")
			}
			if rapid.IntRange(0, 9).Draw(rt, "switch") == 0 {
				p.do(rapid.SampledFrom([]string{"set shadow on", "set shadow off"}).Draw(rt, "shadow"))
			}
			p.do(rapid.SampledFrom(events).Draw(rt, "event"))
		}
	})
}

// model knows of every text what must become of it.
type model struct {
	t  *rapid.T
	p  *play
	to []string // texts in the order written

	written  map[string]int // text → its place in the order
	accepted map[string]int // text → session
	excused  map[string]bool
	again    map[string]bool      // was in a dead letter: its order is the customer's choice
	agents   map[string]bool      // meant for the agent
	pending  bool                 // an agent was asked for, and it is not decided
	at       map[string]time.Time // text → the platform's time
	order    map[int][]string     // session → texts as they were accepted
}

func newModel(rt *rapid.T) *model {
	m := &model{t: rt, p: newPlay(rt.Fatalf), written: map[string]int{}, accepted: map[string]int{}, excused: map[string]bool{},
		again: map[string]bool{}, agents: map[string]bool{}, at: map[string]time.Time{}, order: map[int][]string{}}
	m.p.env.Route.Reopen = rapid.SampledFrom([]Reopening{ReopenAsk, ReopenAsk, ReopenAlways, ReopenNever}).Draw(rt, "reopen")
	m.p.env.Route.Shadow = rapid.Bool().Draw(rt, "shadow")
	return m
}

// draw chooses a command that can come now.
func (m *model) draw() string {
	choices := []string{"text", "text", "text", "text at=-1500ms", "text mention:", "verb agent", "verb agent", "verb end", "verb again",
		"verb resend", "verb robot", "verb drop", "robot: word", "agent: word", "system queued: word", "disconnect", "disconnect by=agent",
		"disconnect offline", "over", "past", "unshown agent", "unshown agent code=" + CodeThreadGone, "gone", "wait 70s"}
	if u := m.p.s.Undone; u != nil {
		settled := []string{"ok", "ok", "ok", "refused " + CodeSuspect, "refused " + CodeNobody, "refused " + CodeLost, "given-up"}
		switch u.Kind {
		case CallQueue:
			settled = []string{"queue 0", "queue 160021", "queue 160022", "queue 5", "given-up"}
		case CallChat:
			settled = append(settled, "unknown")
		case CallTransfer:
			settled = append(settled, "refused "+CodeAlready, "refused "+CodeOutsideHours)
		}
		for range 4 { // often, so that conversations get anywhere
			choices = append(choices, settled...)
		}
	}
	for k := range m.p.s.Timers {
		choices = append(choices, "ring "+string(k))
	}
	slices.Sort(choices)
	c := rapid.SampledFrom(choices).Draw(m.t, "command")
	switch {
	case c == "text" || strings.HasPrefix(c, "text at"):
		return fmt.Sprintf("%s: t%d", c, len(m.to))
	case strings.HasPrefix(c, "verb"):
		return fmt.Sprintf("%s ref=#%d", c, rapid.IntRange(1, len(m.p.refs)+1).Draw(m.t, "ref"))
	}
	return c
}

// step does one command and checks the model.
func (m *model) step(command string) {
	before, at := m.p.s, m.p.at
	if strings.HasPrefix(command, "text at=-1500ms") {
		at = at.Add(-1500 * time.Millisecond)
	}
	m.p.do(command)
	after := m.p.s
	if _, text, ok := strings.Cut(command, ": t"); ok && strings.HasPrefix(command, "text") {
		text = "t" + text
		m.written[text], m.at[text] = len(m.to), at
		m.to = append(m.to, text)
		m.excused[text] = slices.Contains(m.p.lines, "(before the beginning)")
		m.agents[text] = m.pending
	}
	if command == "ok" && before.Undone.Kind == CallChat && !before.Undone.What.Own {
		m.accept(before.Undone.What.Text, before.No)
	}
	if before.Asked != nil && after.Asked == nil {
		for _, h := range before.Asked.Texts {
			if strings.HasPrefix(command, "verb drop") {
				m.excused[h.Text] = true
			}
			m.agents[h.Text] = m.agents[h.Text] && !strings.HasPrefix(command, "verb robot")
		}
	}
	m.wish(command, before, after)
	m.conserve(command)
	for _, l := range m.p.lines {
		if _, text, ok := strings.Cut(l, ": "); ok && strings.HasPrefix(l, "CHAT") && m.agents[text] && after.State == StateRobot {
			m.t.Fatalf("after %q: %s was meant for the agent and goes to the robot", command, text)
		}
	}
}

// wish follows the wish for an agent to its outcome.
func (m *model) wish(command string, before, after Session) {
	switch {
	case slices.Contains(m.p.lines, "answer: "+sayCalling):
		m.pending = true
	case slices.Contains(m.p.lines, "answer: "+sayEnding):
		m.pending = false // what comes now is for after the end
	case after.AgentIn && !before.AgentIn, after.State != before.State && (after.State == StateQueued || after.State == StateAgent),
		(&step{Session: before}).wishUndone() && slices.Contains([]string{"ok", "refused " + CodeAlready, "queue 0", "queue 160021"}, command):
		m.pending = false
		m.agents = map[string]bool{} // the wish is fulfilled
	case before.wished() && !after.wished():
		m.pending = false
	}
}

// wished: the wish stands somewhere in the session.
func (s Session) wished() bool {
	return holds(s.Held, HeldTransfer) || s.Undone != nil && s.Undone.What != nil && s.Undone.What.Kind == HeldTransfer
}

func (m *model) accept(text string, session int) {
	if _, twice := m.accepted[text]; twice {
		m.t.Fatalf("%s was accepted twice", text)
	}
	m.accepted[text] = session
	if m.again[text] {
		return
	}
	for _, x := range m.order[session] { // texts that wait may be put into the platform's order
		if m.written[x] > m.written[text] && !m.at[x].Before(m.at[text]) {
			m.t.Fatalf("%s was accepted after %s", text, x)
		}
	}
	m.order[session] = append(m.order[session], text)
}

// conserve: every text is in exactly one place.
func (m *model) conserve(command string) {
	places := map[string][]string{}
	put := func(place string, texts ...string) {
		for _, text := range texts {
			places[text] = append(places[text], place)
		}
	}
	for text := range m.accepted {
		put("accepted", text)
	}
	s := m.p.s
	if s.Undone != nil && s.Undone.What != nil {
		put("undone", s.Undone.What.Text)
	}
	for _, h := range s.Held {
		put("held", h.Text)
	}
	if s.Asked != nil {
		for _, h := range s.Asked.Texts {
			put("asked", h.Text)
			if h.Kind != HeldText {
				m.t.Fatalf("after %q: a %s waits for the customer's word", command, h.Kind)
			}
		}
	}
	for _, l := range s.Letters {
		put("letter", l.Texts...)
		for _, text := range l.Texts {
			m.again[text] = true
		}
	}
	for text := range m.written {
		if at := places[text]; len(at) != 1 && !m.excused[text] || len(at) > 1 {
			m.t.Fatalf("after %q: %s is in %v", command, text, at)
		}
	}
}

// drain: a centre that takes everything leaves nothing undone but questions and letters.
func (m *model) drain() {
	for n := 0; m.p.s.Undone != nil; n++ {
		if n > 200 {
			m.t.Fatalf("it does not come to rest: %s", encode(m.p.s))
		}
		if m.p.s.Undone.Kind == CallQueue {
			m.step("queue 160021")
		} else {
			m.step("ok")
		}
	}
	if len(m.p.s.Held) > 0 {
		m.t.Fatalf("%d still wait", len(m.p.s.Held))
	}
}
