package ccmsim

import "strings"

// Robot is what the automatic answerer says. Empty fields get defaults.
type Robot struct {
	Nickname string
	Greeting string            // after CONNECT
	Answers  map[string]string // question in lower case to answer
	Fallback string            // to everything else
	// TransferKeyword moves the chat to an agent, as toArtificialKeyWord of a channel does; "": none.
	TransferKeyword string
	// Echo answers with the question itself instead: for tests of order and loss.
	Echo bool
	// Twice says every answer two times, as some robots do.
	Twice bool
	// Silent says nothing at all.
	Silent bool
}

func (r *Robot) setDefaults() {
	setDefault(&r.Nickname, "bot")
	setDefault(&r.Greeting, "Hello, I am the robot. Ask me something, or ask for a human.")
	setDefault(&r.Fallback, "Sorry, I did not understand that.")
	if r.Answers == nil {
		r.Answers = map[string]string{
			"version": "This is version 1.0 of the simulated contact centre.",
			"hours":   "Our agents are here from 9:00 to 17:00, Monday to Friday.",
			"help":    "I know about: hours, price, version. An agent knows more.",
			"price":   "It costs nothing.",
			"hello":   "Hello!",
		}
	}
}

func (s *Sim) greet(v *visitor) {
	if !s.cfg.Robot.Silent {
		s.deliver(v, "ROBOT", s.cfg.Robot.Greeting, nil)
	}
}

// robotHears answers a text, or moves the chat to an agent if it is the keyword.
func (s *Sim) robotHears(v *visitor, text string) {
	robot := s.cfg.Robot
	question := strings.ToLower(strings.TrimSpace(text))
	if robot.TransferKeyword != "" && question == strings.ToLower(robot.TransferKeyword) && !s.sw.OffHours && !s.sw.NoAgents {
		s.enqueue(v)
		return
	}
	if robot.Silent {
		return
	}
	answer, known := robot.Answers[question]
	switch {
	case robot.Echo:
		answer = text
	case !known:
		answer = robot.Fallback
	}
	s.deliver(v, "ROBOT", answer, nil)
	if robot.Twice {
		s.deliver(v, "ROBOT", answer, nil)
	}
}
