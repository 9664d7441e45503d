package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ccbridge/ccm/ccmsim"
)

const robotGreeting = "Hello, I am the robot. Ask me something, or ask for a human."

// scriptSteps are the conversation, in order.
var scriptSteps = []scriptStep{
	{"a message opens a session: CONNECT, the robot's greeting, the buttons", (*script).opens},
	{"three questions, the robot's three answers in order", (*script).asksRobot},
	{"[Talk to a human] puts the customer into the queue", (*script).asksByButton},
	{"asking again in words queues nobody twice; words wait for the agent", (*script).asksTwice},
	{"an agent accepts, and their words are in the thread in order", (*script).agentSpeaks},
	{"the customer's words reach the agent in order", (*script).customerSpeaks},
	{"the centre's answer is lost after the deed: the message is there exactly once", (*script).losesAnswer},
	{"[End conversation] ends the session: DISCONNECT", (*script).ends},
	{"a word after the end opens nothing, and brings [Open again]", (*script).thanks},
	{"[Open again] opens a new session with that word", (*script).opensAgain},
	{"asking for a human in words, answered by an agent", (*script).asksByWord},
	{"the agent ends the session, and the thread says so", (*script).agentEnds},
	{"all in all: nothing lost, doubled or out of order, and no rule broken", (*script).clean},
}

func (p *script) opens(ctx context.Context) error {
	const text = "Good morning"
	thread, err := p.chat.open(text)
	if err != nil {
		return fmt.Errorf("open a thread: %w", err)
	}
	p.thread, p.wrote = thread, []string{text}
	if err := p.connected(ctx, 1); err != nil {
		return err
	}
	if err := p.reads(ctx, botName, robotGreeting); err != nil {
		return err
	}
	return p.sees(ctx, "the buttons for agent and end", func(lines []line) bool {
		_, agent := buttonWith(lines, "ccb:agent")
		_, end := buttonWith(lines, "ccb:end")
		return agent && end
	})
}

func (p *script) asksRobot(ctx context.Context) error {
	if err := p.say(ctx, "version", "hours", "price"); err != nil {
		return err
	}
	return p.reads(ctx, botName, "This is version 1.0 of the simulated contact centre.",
		"Our agents are here from 9:00 to 17:00, Monday to Friday.", "It costs nothing.")
}

func (p *script) asksByButton(ctx context.Context) error {
	if err := p.press(ctx, "ccb:agent"); err != nil {
		return err
	}
	return p.centreIs(ctx, ccmsim.StateQueued)
}

// asksTwice knows that the second wish was worked through when the word behind it has arrived.
func (p *script) asksTwice(ctx context.Context) error {
	if _, err := p.chat.command(ctx, p.thread, "agent"); err != nil {
		return fmt.Errorf("ask for an agent: %w", err)
	}
	if err := p.say(ctx, "Is anybody there?"); err != nil {
		return err
	}
	if err := p.agentGot(ctx, "Is anybody there?"); err != nil {
		return err
	}
	if n := p.deeds("send:TRANS2AGENT"); n != 1 {
		return fmt.Errorf("%w: TRANS2AGENT %d times", errTwice, n)
	}
	return nil
}

// agentGot waits until these are the last texts the agent has.
func (p *script) agentGot(ctx context.Context, want ...string) error {
	return p.centreHas(ctx, fmt.Sprintf("%q at the agent's desk", want), func(s ccmsim.Session) bool {
		return len(s.ToAgent) >= len(want) && slices.Equal(s.ToAgent[len(s.ToAgent)-len(want):], want)
	})
}

func (p *script) agentSpeaks(ctx context.Context) error {
	if err := p.centre.Desk().Accept(p.visitor, agentName); err != nil {
		return err
	}
	return p.agentSays(ctx, "Hello, I am here.", "What can I do for you?", "Take your time.")
}

func (p *script) agentSays(ctx context.Context, texts ...string) error {
	for _, text := range texts {
		if _, err := p.centre.Desk().Say(p.visitor, text); err != nil {
			return err
		}
	}
	return p.reads(ctx, agentName, texts...)
}

func (p *script) customerSpeaks(ctx context.Context) error {
	words := []string{"My kettle is broken.", "It is blue.", "I bought it in May."}
	if err := p.say(ctx, words...); err != nil {
		return err
	}
	return p.agentGot(ctx, words...)
}

func (p *script) losesAnswer(ctx context.Context) error {
	before := p.centre.Calls()["fault send:CHAT"]
	p.centre.Fail("send:CHAT", 1, ccmsim.DropAfter())
	words := []string{"The order number is 4711.", "Did you get that?"}
	if err := p.say(ctx, words...); err != nil {
		return err
	}
	if err := p.agentGot(ctx, words...); err != nil {
		return err
	}
	if n := p.centre.Calls()["fault send:CHAT"] - before; n != 1 {
		return fmt.Errorf("the answer was lost %d times, not once", n)
	}
	return p.once()
}

func (p *script) ends(ctx context.Context) error {
	if err := p.press(ctx, "ccb:end"); err != nil {
		return err
	}
	if err := p.centreIs(ctx, ccmsim.StateEnded); err != nil {
		return err
	}
	if by := p.centre.Session(p.visitor).EndedBy; by != "visitor" {
		return fmt.Errorf("the session was ended by the %s", by)
	}
	return p.saysEnded(ctx)
}

// saysEnded waits until the newest line tells of an end.
func (p *script) saysEnded(ctx context.Context) error {
	return p.sees(ctx, "a line that tells of the end", func(lines []line) bool {
		return slices.ContainsFunc(lines[max(0, len(lines)-2):], func(l line) bool { return strings.Contains(l.Text, "ended") })
	})
}

func (p *script) thanks(ctx context.Context) error {
	if err := p.say(ctx, "One more thing"); err != nil {
		return err
	}
	err := p.sees(ctx, "[Open again]", func(lines []line) bool {
		_, there := buttonWith(lines, "ccb:again")
		return there
	})
	if err != nil {
		return err
	}
	if n := len(visitors(p.centre.Log())); n != 1 {
		return fmt.Errorf("the centre has %d sessions, not 1", n)
	}
	return nil
}

func (p *script) opensAgain(ctx context.Context) error {
	if err := p.press(ctx, "ccb:again"); err != nil {
		return err
	}
	if err := p.connected(ctx, 2); err != nil {
		return err
	}
	return p.centreHas(ctx, "the word in the new session", func(s ccmsim.Session) bool {
		return slices.Equal(s.ToRobot, []string{"One more thing"})
	})
}

func (p *script) asksByWord(ctx context.Context) error {
	if _, err := p.chat.command(ctx, p.thread, "agent"); err != nil {
		return fmt.Errorf("ask for an agent: %w", err)
	}
	if err := p.centreIs(ctx, ccmsim.StateQueued); err != nil {
		return err
	}
	if err := p.centre.Desk().Accept(p.visitor, agentName); err != nil {
		return err
	}
	return p.agentSays(ctx, "Here I am again.")
}

func (p *script) agentEnds(ctx context.Context) error {
	if err := p.centre.Desk().End(p.visitor); err != nil {
		return err
	}
	return p.saysEnded(ctx)
}

func (p *script) clean(context.Context) error {
	if err := p.once(); err != nil {
		return err
	}
	if list := p.violations(); len(list) > 0 {
		return errors.New("rules broken: " + strings.Join(list, "; "))
	}
	return nil
}
