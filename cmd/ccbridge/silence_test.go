package main

import (
	"slices"
	"strings"
	"testing"

	"ccbridge/adapters/slack/slacksim"
)

// silentSoon has a line examined that brings nothing for a moment.
func silentSoon(c *worldConfig) { c.limits += "silent_after = \"800ms\"\n" }

const lineSilent = "the line is up, but messages do not come over it"

// toldSilent wants that the line of an adapter was found silent, and so many messages found.
func (w *world) toldSilent(adapter string, missed float64) {
	w.t.Helper()
	w.wants(`ccbridge_silent{adapter="`+adapter+`"}`, 1)
	w.wants(`ccbridge_missed_events_total{adapter="`+adapter+`"}`, missed)
	if n := strings.Count(w.log.String(), lineSilent); n != 1 {
		w.t.Errorf("told %d times that the line is silent", n)
	}
}

// TestSlackConnectedButSilent: Slack's socket is up, but events are lost on their way. They are found in the history and
// worked once, in order, and it is told; a message that comes by itself ends it. Quiet alone is no fault.
func TestSlackConnectedButSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, silentSoon)
	w.run()
	root := w.ask(ada, "", "one")
	w.sees(root, "one")
	reads := len(w.slack.Calls("conversations.history"))
	w.poll("the quiet channel was read", func() bool { return len(w.slack.Calls("conversations.history")) > reads+1 })
	if strings.Contains(w.log.String(), lineSilent) {
		t.Error("a quiet line is called silent")
	}
	w.wants(`ccbridge_silent{adapter="acme"}`, 0)

	must(t, w.slack.InjectEvent(slacksim.EventFault{Kind: slacksim.Lost, Times: 2}))
	w.ask(ada, root, "two")
	w.ask(ada, root, "three")
	w.counts(root, map[string]int{"two": 2, "three": 2}) // each with its echo
	w.toldSilent("acme", 2)
	w.ask(ada, root, "four")
	w.counts(root, map[string]int{"four": 2})
	w.logged("messages come over the line again")
	w.wants(`ccbridge_silent{adapter="acme"}`, 0)
	if got, want := w.centre.Sessions()[0].ToRobot, []string{"one", "two", "three", "four"}; !slices.Equal(got, want) {
		t.Errorf("the robot got %q, want %q", got, want)
	}
	w.stop()
	w.clean()
}

// TestDiscordConnectedButSilent: the same on Discord, whose gateway goes on answering.
func TestDiscordConnectedButSilent(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo, silentSoon)
	w.runDiscord()
	k := w.openDiscord("one")
	k.reads("one")
	w.discord.Mute(true)
	k.say("two")
	k.say("three")
	k.reads("three")
	w.toldSilent("guild", 2)
	w.discord.Mute(false)
	k.say("four")
	k.reads("four")
	w.logged("messages come over the line again")
	k.robotHas("one", "two", "three", "four")
	w.stop()
	w.clean()
}
