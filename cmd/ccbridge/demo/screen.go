package demo

import (
	"fmt"
	"io"
	"os"
	"strings"

	"ccbridge/ccm/ccmsim"
)

// screen prints a conversation as it grows, each line with the side it belongs to. It is used by one goroutine.
type screen struct {
	out      io.Writer
	platform string
	live     bool // a terminal whose present line can be written over; else a pipe or a simple one
	coloured bool
	prompted bool // the prompt is the present line
	hinted   bool // how to play the agent was said

	threads  []string
	chatSeen map[string]string         // of each line shown, its text
	sessions map[string]ccmsim.Session // as they were shown
}

func newScreen(out io.Writer, platform string) *screen {
	live := isTerminal(out) && os.Getenv("TERM") != "dumb"
	return &screen{
		out: out, platform: platform, live: live, coloured: live && os.Getenv("NO_COLOR") == "",
		chatSeen: map[string]string{}, sessions: map[string]ccmsim.Session{},
	}
}

const (
	customerSide = "customer"
	centreSide   = "centre"
	clearLine    = "\r\x1b[K"
	plain        = "\x1b[0m"
)

var colours = map[string]string{customerSide: "\x1b[36m", centreSide: "\x1b[33m", "demo": "\x1b[2m"}

// say prints a line of one side; further lines of the text are set in.
func (s *screen) say(side, text string) {
	if s.prompted && s.live {
		fmt.Fprint(s.out, clearLine)
	}
	s.prompted = false
	fmt.Fprintln(s.out, s.head(side)+strings.ReplaceAll(text, "\n", "\n         │ "))
}

// head is how a line of a side begins.
func (s *screen) head(side string) string {
	head := fmt.Sprintf("%-8s │ ", side)
	if !s.coloured {
		return head
	}
	colour, found := colours[side]
	if !found {
		colour = "\x1b[35m" // the platform's
	}
	return colour + head + plain
}

// wrote prints the customer's words, unless they stand there already: behind the prompt.
func (s *screen) wrote(text string) {
	if !s.live {
		s.say(customerSide, text)
	}
}

// prompt asks for a line, on a terminal only. It looks like the beginning of what the customer says.
func (s *screen) prompt() {
	if s.live && !s.prompted {
		fmt.Fprint(s.out, s.head(customerSide))
		s.prompted = true
	}
}

// end leaves the prompt's line.
func (s *screen) end() {
	if s.prompted {
		fmt.Fprintln(s.out)
	}
	s.prompted = false
}

// chat prints what is new on the platform and tells whether there was any.
func (s *screen) chat(lines []line) (news bool) {
	for _, l := range lines {
		text := l.Who + ": " + l.Text
		if l.Private {
			text = "(for " + customerName + " only) " + text
		}
		for _, b := range l.Buttons {
			text += "  [" + b.Label + "]"
		}
		if s.chatSeen[l.ID] != text {
			s.chatSeen[l.ID] = text
			s.say(s.platform, text)
			news = true
		}
	}
	return news
}

// centre prints what is new at the centre and tells whether there was any.
func (s *screen) centre(sessions []ccmsim.Session) (news bool) {
	for _, now := range sessions {
		was := s.sessions[now.Visitor]
		s.sessions[now.Visitor] = now
		fresh := now.Transcript[min(len(was.Transcript), len(now.Transcript)):]
		over := now.State == ccmsim.StateEnded || now.State == ccmsim.StateDormant
		if !over {
			news = s.state(was, now) || news
		}
		for _, l := range fresh {
			s.at(now.State, speaker(l.Source, now)+": "+l.Content)
			news = true
		}
		if over {
			news = s.state(was, now) || news
		}
	}
	return news
}

// state prints where a session went.
func (s *screen) state(was, now ccmsim.Session) bool {
	if was.State == now.State {
		return false
	}
	switch now.State {
	case ccmsim.StateRobot:
		s.at(now.State, now.Name+" is connected")
	case ccmsim.StateQueued:
		hint := ""
		if !s.hinted {
			hint, s.hinted = "  (now answer: /as agent Hello)", true
		}
		s.at(now.State, now.Name+" waits for a human"+hint)
	case ccmsim.StateAgent:
		s.at(now.State, now.Agent+" takes the conversation")
	case ccmsim.StateDormant:
		s.at(now.State, "put aside; "+now.Name+" can still write")
	case ccmsim.StateEnded:
		s.at(now.State, endedBy[now.EndedBy])
	}
	return true
}

// at prints a line of the centre, with the place of the session.
func (s *screen) at(state ccmsim.State, text string) {
	place := string(state)
	if state == ccmsim.StateQueued {
		place = "queue"
	}
	s.say(centreSide, fmt.Sprintf("%-7s │ %s", place, text))
}

var endedBy = map[string]string{
	"visitor": "by the customer",
	"agent":   "by the agent",
	"system":  "by the centre",
	"lost":    "lost",
}

func speaker(source string, in ccmsim.Session) string {
	switch source {
	case "CUSTOMER":
		return in.Name
	case "ROBOT":
		return "Robot"
	case "AGENT":
		return in.Agent
	}
	return "System"
}
