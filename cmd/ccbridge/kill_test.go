package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ccbridge/ccm/ccmsim"
)

// echoing makes every answer of the robot tell which question it answers.
func echoing(c *worldConfig) {
	c.centre.Robot = ccmsim.Robot{Echo: true}
	c.limits = "look_gap = \"50ms\"\ncall_timeout = \"600ms\"\n"
	c.slack.Retries = []time.Duration{0, 200 * time.Millisecond, 400 * time.Millisecond}
}

// TestKilled kills the bridge everywhere and, when that is done, at random under load. No other test runs meanwhile.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: hundreds of processes")
	}
	_, err := childProgram() // first, so that no test waits for it
	must(t, err)
	t.Run("Everywhere", func(t *testing.T) {
		t.Run("Slack", slackKilledEverywhere)
		t.Run("Discord", discordKilledEverywhere)
	})
	t.Run("AtRandom", func(t *testing.T) {
		t.Run("Looking", killedAtRandom)
		t.Run("WithoutHistory", killedWithoutHistory)
	})
}

// slackKilledEverywhere kills the bridge once at each commit and before and after each outside call of a whole
// conversation, and starts it again. Nothing may be lost, doubled, out of order or in a wrong place.
func slackKilledEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echoing)
	c := w.spawn(0)
	holdConversation(t, w)
	hooks := c.term(w)
	t.Logf("%d places to kill at", hooks)
	t.Run("at", func(t *testing.T) {
		for k := 1; k <= hooks; k += killStep() {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, echoing)
				stop := w.keepAlive(w.spawn(k))
				holdConversation(t, w)
				stop().end()
			})
		}
	})
}

// holdConversation holds a whole conversation and checks what everybody saw.
func holdConversation(t *testing.T, w *world) {
	w.logged("caught up\" adapter=acme")
	root := w.ask(ada, "", "one")
	w.sees(root, "one") // itself
	w.ask(ada, root, "two")
	w.ask(ada, root, "three")
	w.counts(root, map[string]int{"one": 2, "two": 2, "three": 2}) // each with its echo
	w.ask(ada, root, "<@U0BRIDGE> agent")
	w.ask(ada, root, "four")
	w.atCentre("somebody waiting", func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
	desk := w.centre.Desk()
	visitor := desk.Waiting()[0]
	must(t, desk.Accept(visitor, "Grace"))
	say(t, w, visitor, "alpha")
	say(t, w, visitor, "beta")
	w.ask(ada, root, "five")
	say(t, w, visitor, "gamma")
	w.counts(root, map[string]int{"alpha": 1, "beta": 1, "gamma": 1})
	w.atCentre("the agent's four and five", func(v ccmsim.View) bool { return len(v.Session(visitor).ToAgent) == 2 })
	w.ask(ada, root, "<@U0BRIDGE> end")
	w.atCentre("the end", func(v ccmsim.View) bool { return v.Session(visitor).State == ccmsim.StateEnded })
	w.sees(root, "This conversation has ended.")

	s := w.centre.Session(visitor)
	if want := []string{"one", "two", "three"}; !slices.Equal(s.ToRobot, want) {
		t.Errorf("the robot got %q, want %q", s.ToRobot, want)
	}
	if want := []string{"four", "five"}; !slices.Equal(s.ToAgent, want) {
		t.Errorf("the agent got %q, want %q", s.ToAgent, want)
	}
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions at the centre, want 1", n)
	}
	var posts []string
	for _, m := range w.slack.Thread(helpChannel, root) {
		if m.User != ada && !strings.HasSuffix(m.Text, ".") {
			posts = append(posts, m.Plain())
		}
	}
	if want := []string{"one", "two", "three", "alpha", "beta", "gamma"}; !slices.Equal(posts, want) {
		t.Errorf("the thread shows %q, want %q", posts, want)
	}
	seen := map[string]bool{}
	for _, m := range w.slack.Thread(helpChannel, root) {
		if m.User != ada && seen[m.Plain()] {
			t.Errorf("shown twice: %q", m.Plain())
		}
		if m.User != ada {
			seen[m.Plain()] = true
		}
	}
	if top := w.slack.Messages(helpChannel); len(top) != 1 {
		t.Errorf("%d messages in the channel, want the root alone", len(top))
	}
	w.clean()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func say(t *testing.T, w *world, visitor, text string) {
	t.Helper()
	if _, err := w.centre.Desk().Say(visitor, text); err != nil {
		t.Fatal(err)
	}
}

// counts waits until a thread shows each text so often.
func (w *world) counts(root string, want map[string]int) {
	w.t.Helper()
	have := func() map[string]int {
		n := map[string]int{}
		for _, text := range w.texts(root) {
			n[text]++
		}
		return n
	}
	w.until(w.slack.Until, fmt.Sprint(want), func() bool {
		n := have()
		for text, count := range want {
			if n[text] < count {
				return false
			}
		}
		return true
	}, func() string {
		return fmt.Sprintf("%v; at the centre %+v %+v", have(), w.centre.Sessions(), w.slack.Stats())
	})
}

// killStep is 1 unless a person in a hurry sets it: then only each so-maniest place is tried.
func killStep() int {
	if n, err := strconv.Atoi(os.Getenv("CCBRIDGE_TEST_KILL_STEP")); err == nil && n > 0 {
		return n
	}
	return 1
}
