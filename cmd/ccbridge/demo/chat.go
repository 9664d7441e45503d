package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// chat is a simulated platform as the demo needs it: the hands and eyes of the customer Ada.
type chat interface {
	name() string
	// ready waits until the bridge is on the line and hears everything.
	ready(ctx context.Context) error
	// open writes a message that begins a thread.
	open(text string) (thread string, err error)
	// say writes into a thread; it waits until the thread is there.
	say(ctx context.Context, thread, text string) error
	// command asks for "agent" or "end" without a button, and tells what Ada typed for it.
	command(ctx context.Context, thread, verb string) (typed string, err error)
	press(b button) error
	// lines are what Ada sees in a thread beside her own words, oldest first.
	lines(thread string) []line
	// until waits for a condition, which is asked again after every change. It may only look by see.
	until(ctx context.Context, cond func(see func(thread string) []line) bool) error
}

// line is a message as Ada sees it.
type line struct {
	ID      string
	Who     string
	Text    string
	Buttons []button
	Private bool // only Ada sees it
}

// button is a button below a line.
type button struct{ Message, Action, Label string }

const (
	customerName = "Ada"
	botName      = "ccbridge"
)

func newChat(platform string, s *sims) chat {
	if platform == platformDiscord {
		return &discordChat{s.discord}
	}
	return &slackChat{s.slack}
}

// buttonWith finds the newest button whose action begins with action.
func buttonWith(lines []line, action string) (button, bool) {
	return newestButton(lines, func(b button) bool { return strings.HasPrefix(b.Action, action) })
}

// buttonCalled finds the newest button by its label, or by how that begins; case does not matter.
func buttonCalled(lines []line, label string) (button, error) {
	label = strings.ToLower(strings.Trim(label, "[] "))
	b, found := newestButton(lines, func(b button) bool { return strings.HasPrefix(strings.ToLower(b.Label), label) })
	if !found || label == "" {
		return b, fmt.Errorf("there is no button [%s]", label)
	}
	return b, nil
}

func newestButton(lines []line, fits func(button) bool) (button, bool) {
	for _, l := range slices.Backward(lines) {
		if i := slices.IndexFunc(l.Buttons, fits); i >= 0 {
			return l.Buttons[i], true
		}
	}
	return button{}, false
}
