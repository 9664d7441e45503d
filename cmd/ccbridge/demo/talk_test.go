package demo

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDemoTalks types each line when what the one before it brought is shown, as a person does.
func TestDemoTalks(t *testing.T) {
	t.Parallel()
	for platform, name := range map[string]string{platformSlack: "Slack    │ ", platformDiscord: "Discord  │ "} {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			typed, keyboard := io.Pipe()
			screen := &watched{news: make(chan struct{}, 1)}
			ended := make(chan error, 1)
			go func() {
				ended <- Run(t.Context(), Options{Platform: platform, Terminal: true}, typed, screen, t.Output())
				typed.Close()
			}()
			for _, step := range []struct {
				typed string
				shows []string
			}{
				{"Good morning", []string{"customer │ Good morning\n", "centre   │ robot   │ Ada is connected\n", "centre   │ robot   │ Ada: Good morning\n",
					name + "ccbridge: Hello, I am the robot.", name + "ccbridge: Sorry, I did not understand that."}},
				{"hours", []string{"customer │ hours\n", "centre   │ robot   │ Ada: hours\n",
					name + "ccbridge: Our agents are here from 9:00 to 17:00, Monday to Friday.\n"}},
				{"/agent", []string{"centre   │ queue   │ Ada waits for a human"}},
				{"/as agent Hello, what can I do?", []string{"centre   │ agent   │ Grace takes the conversation\n", name + "Grace: Hello, what can I do?\n"}},
				{"My kettle is broken", []string{"centre   │ agent   │ Ada: My kettle is broken\n"}},
				{"/as agent /end", []string{"centre   │ ended   │ by the agent\n", name + "ccbridge: The agent has ended this conversation.\n"}},
				{"thanks", []string{"customer │ thanks\n", "[Open again]\n"}},
				{"/press open", []string{"customer │ presses [Open again]\n", "centre   │ robot   │ Ada: thanks\n", name + "ccbridge: Sorry, I did not understand that."}},
				{"/end", []string{"centre   │ ended   │ by the customer\n"}},
				{"/nonsense", []string{"demo     │ /nonsense is no command here; /help lists them\n"}},
				{"/press Dance", []string{"demo     │ there is no button [dance]\n"}},
			} {
				io.WriteString(keyboard, step.typed+"\n") //nolint:errcheck // what is not typed is not shown either
				for _, want := range step.shows {
					screen.await(t, want)
				}
			}
			keyboard.Close()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if strings.Contains(screen.all.String(), "\x1b") {
				t.Error("a pipe got control characters")
			}
		})
	}
}

// watched is a screen that somebody reads from top to bottom.
type watched struct {
	mu   sync.Mutex
	all  bytes.Buffer
	read int // so far
	news chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
	return w.all.Write(p)
}

// await waits until text is shown below what was read before.
func (w *watched) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		w.mu.Lock()
		at := strings.Index(w.all.String()[w.read:], text)
		if at >= 0 {
			w.read += at + len(text)
		}
		w.mu.Unlock()
		if at >= 0 {
			return
		}
		select {
		case <-w.news:
		case <-late:
			w.mu.Lock()
			defer w.mu.Unlock()
			t.Fatalf("%q is missing, or comes too early, in\n%s", text, w.all.String())
		}
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
