package ccmsim

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// downlinkLimit is the longest content of a downlink message, in characters (cec_07_0108).
const downlinkLimit = 500

// Desk is the agents' place of work, and the hand of the centre itself.
type Desk struct{ s *Sim }

// Desk returns the agents' desk.
func (s *Sim) Desk() Desk { return Desk{s} }

// Waiting lists the visitors in the queue, first come first.
func (d Desk) Waiting() []string {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	return View(d).Waiting()
}

// Accept takes a visitor out of the queue; nickname is what the visitor sees.
func (d Desk) Accept(id, nickname string) error {
	return d.with(id, "accept", func(v *visitor) error {
		if v.state != StateQueued {
			return fmt.Errorf("session is %q, not queued", v.state)
		}
		d.s.connectAgent(v, nickname)
		return nil
	})
}

// Say sends the agent's text and returns its messageCode, "" if it got none.
func (d Desk) Say(id, text string) (messageCode string, err error) {
	err = d.with(id, "say", func(v *visitor) error {
		if v.state != StateAgent && !(v.state == StateDormant && v.former == StateAgent) {
			return fmt.Errorf("session is %q, not with an agent", v.state)
		}
		if d.s.sw.StrangeKinds {
			d.s.put(v, "AGENT", map[string]any{"controlType": "SIM_UNHEARD_OF", "content": "x"})
		}
		messageCode, err = d.text(v, "AGENT", text)
		return err
	})
	return messageCode, err
}

// RobotSay lets the robot speak, in any state of a live session.
func (d Desk) RobotSay(id, text string) error { return d.speak(id, "ROBOT", text) }

// SystemSay sends a text of the centre itself.
func (d Desk) SystemSay(id, text string) error { return d.speak(id, "SYSTEM", text) }

func (d Desk) speak(id, source, text string) error {
	return d.with(id, "say", func(v *visitor) error {
		_, err := d.text(v, source, text)
		return err
	})
}

func (d Desk) text(v *visitor, source, text string) (string, error) {
	if text == "" || utf8.RuneCountInString(text) > downlinkLimit {
		return "", fmt.Errorf("text must have 1 to %d characters", downlinkLimit)
	}
	return d.s.deliver(v, source, text, nil), nil
}

// Put sends a downlink message of any form: an agent's TEXT message of §6 with
// the given fields in place of its own. It is not kept in the history.
func (d Desk) Put(id string, fields map[string]any) error {
	return d.with(id, "put", func(v *visitor) error {
		if _, err := json.Marshal(fields); err != nil {
			return err
		}
		d.s.put(v, "AGENT", fields)
		return nil
	})
}

// Read tells the visitor that the agent has read all messages so far (READ,
// delivered only to polls with isNeedRead=true).
func (d Desk) Read(id string) error {
	return d.with(id, "read", func(v *visitor) error {
		if len(v.unread) == 0 {
			return fmt.Errorf("nothing unread")
		}
		d.s.put(v, "AGENT", map[string]any{"controlType": "READ", "mediaType": nil, "content": strings.Join(v.unread, ",")})
		v.unread = nil
		return nil
	})
}

// End lets the agent close the session.
func (d Desk) End(id string) error {
	return d.with(id, "end", func(v *visitor) error {
		d.s.put(v, "AGENT", map[string]any{"controlType": "DISCONNECT", "mediaType": nil})
		d.s.finish(v, "agent")
		return nil
	})
}

// TimeOut lets the centre close the session as after IdleTimeout, softly if soft.
func (d Desk) TimeOut(id string, soft bool) error {
	return d.with(id, "time out", func(v *visitor) error {
		d.s.timeOut(v, soft)
		return nil
	})
}

// Lose drops the session without a word, as after SessionTimeout.
func (d Desk) Lose(id string) error {
	return d.with(id, "lose", func(v *visitor) error {
		d.s.finish(v, "lost")
		return nil
	})
}

// with does something to a visitor's live session.
func (d Desk) with(id, what string, do func(*visitor) error) error {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	v := d.s.visitors[id]
	if v == nil || !v.live() {
		return fmt.Errorf("desk: %s %s: no live session", what, id)
	}
	if err := do(v); err != nil {
		return fmt.Errorf("desk: %s %s: %w", what, id, err)
	}
	return nil
}
