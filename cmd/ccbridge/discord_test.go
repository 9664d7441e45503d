package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

// write posts as Eve; it comes again until Discord takes it (a thread may not be there yet).
func (w *world) write(channel, text string) (id string) {
	w.t.Helper()
	id, err := w.discord.Post(channel, eve, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// shows waits until a Discord channel shows each text so often.
func (w *world) shows(channel string, want map[string]int) {
	w.t.Helper()
	var have map[string]int
	ctx, cancel := context.WithTimeout(w.ctx, 25*time.Second)
	defer cancel()
	err := w.discord.Until(ctx, func(v *discordsim.View) bool {
		have = map[string]int{}
		for _, m := range v.Messages(channel) {
			have[m.Content]++
		}
		for text, n := range want {
			if have[text] < n {
				return false
			}
		}
		return true
	})
	if err != nil {
		w.t.Fatalf("waiting for %v: %v; there is %v; at the centre %+v", want, err, have, w.centre.Sessions())
	}
}

func TestDiscordConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echoing)
	w.start()
	w.logged("caught up\" adapter=guild")
	holdDiscordConversation(t, w)
	w.stop()
}

// holdDiscordConversation is holdConversation on Discord.
func holdDiscordConversation(t *testing.T, w *world) {
	thread := w.write(guildChannel, "one")
	w.shows(thread, map[string]int{"one": 1}) // the thread is there, and the echo of what began it
	w.write(thread, "two")
	w.write(thread, "three")
	w.shows(thread, map[string]int{"two": 2, "three": 2})
	w.write(thread, "<@1400000000000000001> agent")
	w.write(thread, "four")
	w.atCentre("somebody waiting", func(v ccmsim.View) bool { return len(v.Waiting()) == 1 })
	desk := w.centre.Desk()
	visitor := desk.Waiting()[0]
	must(t, desk.Accept(visitor, "Grace"))
	say(t, w, visitor, "alpha")
	say(t, w, visitor, "beta")
	w.write(thread, "five")
	say(t, w, visitor, "gamma")
	w.shows(thread, map[string]int{"**Grace:** alpha": 1, "**Grace:** beta": 1, "**Grace:** gamma": 1})
	w.atCentre("the agent's four and five", func(v ccmsim.View) bool { return len(v.Session(visitor).ToAgent) == 2 })
	w.write(thread, "<@1400000000000000001> end")
	w.atCentre("the end", func(v ccmsim.View) bool { return v.Session(visitor).State == ccmsim.StateEnded })
	w.shows(thread, map[string]int{"This conversation has ended.": 1})

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
	seen := map[string]bool{}
	for _, m := range w.discord.Messages(thread) {
		if !m.FromBot || m.Type != 0 {
			continue
		}
		if seen[m.Content] {
			t.Errorf("shown twice: %q", m.Content)
		}
		seen[m.Content] = true
		if !strings.HasSuffix(m.Content, ".") {
			posts = append(posts, strings.TrimPrefix(m.Content, "**Grace:** "))
		}
	}
	if want := []string{"one", "two", "three", "alpha", "beta", "gamma"}; !slices.Equal(posts, want) {
		t.Errorf("the thread shows %q, want %q", posts, want)
	}
	for _, m := range w.discord.Messages(guildChannel) {
		if m.FromBot && m.Type != 18 {
			t.Errorf("posted into the channel: %q", m.Content)
		}
	}
	w.clean()
}

// discordKilledEverywhere is slackKilledEverywhere on Discord.
func discordKilledEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echoing)
	c := w.spawn(0)
	w.logged("caught up\" adapter=guild")
	holdDiscordConversation(t, w)
	hooks := c.term(w)
	t.Logf("%d places to kill at", hooks)
	t.Run("at", func(t *testing.T) {
		for k := 1; k <= hooks; k += killStep() {
			t.Run(fmt.Sprint(k), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, echoing)
				stop := w.keepAlive(w.spawn(k))
				w.logged("caught up\" adapter=guild")
				holdDiscordConversation(t, w)
				stop().end()
			})
		}
	})
}
