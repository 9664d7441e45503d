package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"ccbridge/ccm/ccmsim"
)

const (
	agentName = "Grace"

	// A line's effects are shown until nothing new came for quietTime, at most settleTime; the first may take firstTime.
	quietTime  = 250 * time.Millisecond
	firstTime  = 2 * time.Second
	settleTime = 10 * time.Second

	maxTyped = 1 << 20 // bytes of one line
)

// What the demo says of itself.
const (
	talkIntro = "ccbridge carries a thread in %s to a contact centre and back. Both are simulated here; the bridge is real."
	talkHelp  = "You are the customer: write something, or /agent /end /again /new. /as agent TEXT answers. /help, /quit"
	talkMore  = `TEXT             the customer writes; the robot knows: hours, price, version
/agent  /end     the customer asks for a human, or for the end
/press LABEL     presses the button [LABEL]; /again is /press Open again
/new             the next line begins another thread
/as agent        the human takes the customer who waits; with TEXT answers too
/as agent /end   the human ends the conversation
/quit            ends the demo`
)

// conversation is a demo in the terminal. One goroutine does all the showing, so nothing runs into the prompt.
type conversation struct {
	*stage
	screen  *screen
	thread  string        // where the next line goes; "" begins a thread
	visitor string        // whom the agent talks to
	changed chan struct{} // a simulator has news
}

// converse carries lines from stdin into the conversation and shows what follows, until /quit, the end of stdin or ctx's.
func converse(ctx context.Context, s *stage, stdin io.Reader, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	c := &conversation{stage: s, screen: newScreen(stdout, s.chat.name()), changed: make(chan struct{}, 1)}
	watched := c.watch(ctx)
	defer func() {
		stop()
		<-watched
	}()
	c.screen.say("demo", fmt.Sprintf(talkIntro, s.chat.name()))
	c.screen.say("demo", talkHelp)
	typed := readLines(ctx, stdin)
	for {
		c.screen.prompt()
		select {
		case <-ctx.Done():
			c.screen.end()
			return nil
		case <-c.changed:
			c.show()
		case text, more := <-typed:
			if !more {
				c.screen.end()
				return nil
			}
			c.screen.prompted = false // Enter left its line
			if strings.TrimSpace(text) == "/quit" {
				return nil
			}
			acted, err := c.obey(ctx, strings.TrimSpace(text))
			if err != nil {
				c.screen.say("demo", err.Error())
			} else if acted {
				c.settle(ctx)
			}
		}
	}
}

// readLines reads until stdin or ctx ends. Reading a terminal cannot be interrupted: after Ctrl-C the goroutine stays
// in that call until the process exits, which is at once.
func readLines(ctx context.Context, stdin io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(stdin)
		scanner.Buffer(nil, maxTyped)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// watch tells changed of everything that happens at the simulators until ctx ends; then the channel is closed.
func (c *conversation) watch(ctx context.Context) <-chan struct{} {
	tell := func() bool {
		select {
		case c.changed <- struct{}{}:
		default: // told already
		}
		return false
	}
	done := make(chan struct{})
	centre := make(chan struct{})
	go func() {
		defer close(centre)
		c.centre.Until(ctx, func(ccmsim.View) bool { return tell() }) //nolint:errcheck // it ends with ctx
	}()
	go func() {
		defer close(done)
		c.chat.until(ctx, func(func(string) []line) bool { return tell() }) //nolint:errcheck // it ends with ctx
		<-centre
	}()
	return done
}

// settle shows what follows from a line.
func (c *conversation) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	quiet := time.NewTimer(firstTime)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
			if c.show() {
				quiet.Reset(quietTime)
			}
		case <-quiet.C:
			if !slices.ContainsFunc(c.centre.Sessions(), func(s ccmsim.Session) bool { return s.Undelivered > 0 }) {
				return
			}
			quiet.Reset(quietTime)
		}
	}
}

// show prints what is new and tells whether there was any. The platform is read first and printed last: what it shows
// came from the centre, and so is explained by then.
func (c *conversation) show() bool {
	var lines []line
	for _, thread := range c.screen.threads {
		lines = append(lines, c.chat.lines(thread)...)
	}
	news := c.screen.centre(c.centre.Sessions())
	return c.screen.chat(lines) || news
}

// obey does what a line asks for, and tells whether anybody did anything. A line that is no command is the customer's.
func (c *conversation) obey(ctx context.Context, text string) (acted bool, err error) {
	word, rest, _ := strings.Cut(text, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case text == "":
		return false, nil
	case word == "/help":
		c.screen.say("demo", talkMore)
		return false, nil
	case word == "/new" && rest == "":
		c.thread = ""
		c.screen.say("demo", "Your next line begins a new thread.")
		return false, nil
	case word == "/new":
		c.thread = ""
		return true, c.write(ctx, rest)
	case word == "/agent", word == "/end":
		return true, c.verb(ctx, word[1:])
	case word == "/again":
		return true, c.press("Open again")
	case word == "/press":
		return true, c.press(rest)
	case word == "/as":
		return true, c.as(rest)
	case strings.HasPrefix(word, "/"):
		return false, fmt.Errorf("%s is no command here; /help lists them", word)
	}
	return true, c.write(ctx, text)
}

func (c *conversation) write(ctx context.Context, text string) error {
	c.screen.wrote(text)
	if c.thread != "" {
		return c.chat.say(ctx, c.thread, text)
	}
	thread, err := c.chat.open(text)
	if err != nil {
		return err
	}
	c.thread = thread
	c.screen.threads = append(c.screen.threads, thread)
	return nil
}

// verb asks in words, as the platform has it; the buttons are there for /press.
func (c *conversation) verb(ctx context.Context, verb string) error {
	if c.thread == "" {
		return errors.New("write something first: that begins a thread")
	}
	typed, err := c.chat.command(ctx, c.thread, verb)
	switch {
	case err != nil:
	case typed == "/"+verb:
		c.screen.wrote(typed)
	default:
		c.screen.say(customerSide, typed)
	}
	return err
}

func (c *conversation) press(label string) error {
	b, err := buttonCalled(c.chat.lines(c.thread), label)
	if err != nil {
		return err
	}
	c.screen.say(customerSide, "presses ["+b.Label+"]")
	return c.chat.press(b)
}

// as speaks for the agent: "accept" or nothing takes the next visitor, "/end" closes the session, anything else is
// said, after taking the next visitor if one waits.
func (c *conversation) as(rest string) error {
	who, words, _ := strings.Cut(rest, " ")
	if who != "agent" {
		return errors.New("/as agent TEXT speaks for the agent")
	}
	words = strings.TrimSpace(words)
	desk := c.centre.Desk()
	if waiting := desk.Waiting(); len(waiting) > 0 && words != "/end" {
		c.visitor = waiting[0]
		if err := desk.Accept(c.visitor, agentName); err != nil {
			return err
		}
	} else if c.centre.Session(c.visitor).State != ccmsim.StateAgent {
		return errors.New("nobody waits for an agent: the customer asks for one with /agent")
	}
	switch words {
	case "", "accept":
		return nil
	case "/end":
		return desk.End(c.visitor)
	}
	_, err := desk.Say(c.visitor, words)
	return err
}

// isTerminal tells whether somebody looks at w and types.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
