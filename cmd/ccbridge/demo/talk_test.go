package demo

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

const conversationOfDemo = `Good morning
hours
/agent
/as agent Hello, what can I do?
My kettle is broken
/as agent /end
thanks
/press open
/end
/nonsense
/press Dance
`

func TestDemoTalks(t *testing.T) {
	t.Parallel()
	for _, platform := range []string{platformSlack, platformDiscord} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := Run(t.Context(), Options{Platform: platform, Terminal: true}, strings.NewReader(conversationOfDemo), &out, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			name := map[string]string{platformSlack: "Slack    │ ", platformDiscord: "Discord  │ "}[platform]
			rest := out.String()
			for _, want := range []string{
				"customer │ Good morning\n",
				"centre   │ robot   │ Ada is connected\n",
				"centre   │ robot   │ Ada: Good morning\n",
				name + "ccbridge: Hello, I am the robot.",
				"customer │ hours\n",
				"centre   │ robot   │ Ada: hours\n",
				name + "ccbridge: Our agents are here from 9:00 to 17:00, Monday to Friday.\n",
				"centre   │ queue   │ Ada waits for a human",
				"centre   │ agent   │ Grace takes the conversation\n",
				name + "Grace: Hello, what can I do?\n",
				"centre   │ agent   │ Ada: My kettle is broken\n",
				"centre   │ ended   │ by the agent\n",
				"customer │ thanks\n",
				"[Open again]\n",
				"customer │ presses [Open again]\n",
				"centre   │ robot   │ Ada: thanks\n",
				"centre   │ ended   │ by the customer\n",
				"demo     │ /nonsense is no command here; /help lists them\n",
				"demo     │ there is no button [dance]\n",
			} {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Fatalf("%q is missing, or comes too early, in\n%s", want, out.String())
				}
				rest = after
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Error("a pipe got control characters")
			}
		})
	}
}

// TestDemoCommandsTooEarly: what cannot be done is said, and the demo goes on.
func TestDemoCommandsTooEarly(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	input := "/agent\n/end\n/again\n/as agent Hello\n/as clown Hello\n\n/help\n/new\n"
	if err := Run(t.Context(), Options{Terminal: true}, strings.NewReader(input), &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"write something first", "there is no button [open again]", "nobody waits for an agent",
		"/as agent TEXT speaks for the agent", "/press LABEL", "Your next line begins a new thread."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "centre   │") {
		t.Errorf("something reached the centre:\n%s", out.String())
	}
}

// TestDemoStops: Ctrl-C ends a demo that waits for a line.
func TestDemoStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	typed, keyboard := io.Pipe()
	defer keyboard.Close()
	screen, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{Terminal: true}, typed, out, t.Output())
		out.Close()
	}()
	if _, err := screen.Read(make([]byte, 1)); err != nil { // it has begun
		t.Fatal(err)
	}
	go io.Copy(io.Discard, screen) //nolint:errcheck // ends with the demo
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second):
		t.Error("the demo did not end")
	}
}
