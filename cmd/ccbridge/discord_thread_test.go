package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

const (
	postRoute  = "POST /channels/{channel}/messages"
	getRoute   = "GET /channels/{channel}/messages"
	startRoute = "POST /channels/{channel}/messages/{message}/threads"
)

// TestDiscordTwoThreads: one customer in two threads at once; no answer crosses.
func TestDiscordTwoThreads(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	talks := []*dtalk{w.openDiscord("a"), w.openDiscord("b")}
	var up, down [2][]string
	for n := range 5 {
		for i, k := range talks {
			up[i] = append(up[i], fmt.Sprintf("%c%d", 'a'+i, n))
			k.say(up[i][n])
		}
	}
	for i, k := range talks {
		k.reads(up[i][4])
		k.agent()
	}
	for n := range 5 {
		for i, k := range talks {
			down[i] = append(down[i], fmt.Sprintf("%c agent %d", 'a'+i, n))
			k.agentSays(down[i][n])
		}
	}
	for i, k := range talks {
		name := string(rune('a' + i))
		want := append([]string{greeting, name}, up[i]...)
		for _, text := range down[i] {
			k.reads("**Grace:** " + text)
			want = append(want, "**Grace:** "+text)
		}
		k.finish()
		k.robotHas(append([]string{name}, up[i]...)...)
		k.shows(append(want, lineEnded)...)
	}
	w.clean()
}

// TestDiscordPlaceGone: the thread, or what it is in, is gone while the agent's word is on its way. The agent is told, the
// session ends, the word is kept as a dead letter, and nothing is posted elsewhere.
func TestDiscordPlaceGone(t *testing.T) {
	t.Parallel()
	const told = "[The customer's thread was deleted. Messages can no longer be shown.]"
	onItsWay := discordsim.Fault{Route: postRoute, Delay: 300 * time.Millisecond}
	lost := discordsim.Fault{Route: postRoute, Deed: true, Drop: true}
	type gone struct {
		fault discordsim.Fault
		do    func(k *dtalk) error
		dead  float64
	}
	remove := func(k *dtalk) error { return k.discord.Remove(k.place) }
	each(t, map[string]gone{
		"thread deleted, post under way":  {onItsWay, remove, 1},
		"thread deleted, answer lost":     {lost, remove, 0},
		"channel deleted, post under way": {onItsWay, func(k *dtalk) error { return k.discord.Remove(guildChannel) }, 1},
		"bot removed, post under way":     {onItsWay, func(k *dtalk) error { return k.discord.KickBot(guildID) }, 1},
		"may no longer write": {onItsWay, func(k *dtalk) error {
			return k.discord.SetPermissions(guildChannel, discordsim.DefaultPermissions&^discordsim.SendInThreads)
		}, 1},
		"locked, without the right to write then": {onItsWay, func(k *dtalk) error {
			if err := k.discord.SetPermissions(guildChannel, discordsim.DefaultPermissions&^discordsim.ManageThreads); err != nil {
				return err
			}
			return k.discord.Lock(k.place)
		}, 1},
	}, func(t *testing.T, c gone) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.agent()
		k.agentSays("hello")
		k.reads("**Grace:** hello")
		w.discord.Fail(c.fault)
		before := postsTo(w, k.place)
		k.agentSays("too late")
		w.poll("the post on its way", func() bool {
			return postsTo(w, k.place) > before || c.fault.Delay > 0 && strings.Contains(w.dumpTable("delivery"), "too late")
		})
		must(t, c.do(k))
		k.over()
		if got := k.session().ToAgent; !slices.Equal(got, []string{told}) {
			t.Errorf("the agent got %q", got)
		}
		w.poll("the dead letter", func() bool { return w.metric(`ccbridge_dead_letters_total{direction="down"}`) >= c.dead })
		w.elsewhereClean(k.place)
		if n := k.count("**Grace:** too late"); n > 1 {
			t.Errorf("shown %d times", n)
		}
		w.clean()
	})
}

// postsTo counts the calls that post into a place and have an answer, or lost it.
func postsTo(w *world, place string) (n int) {
	for _, c := range w.discord.Calls() {
		if c.Route == postRoute && strings.Contains(c.Path, place) {
			n++
		}
	}
	return n
}

// TestDiscordThreadGoneBeforeItIsMade: the customer takes the message back before the thread is made from it.
func TestDiscordThreadGoneBeforeItIsMade(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	w.discord.Fail(discordsim.Fault{Route: startRoute, Status: 503})
	root := w.write(guildChannel, "one")
	k := &dtalk{world: w, place: root, visitor: w.visitorOf("one")}
	w.until(w.untilDiscord, "the first try", func() bool {
		return slices.ContainsFunc(w.discord.Calls(), func(c discordsim.Call) bool { return c.Route == startRoute })
	}, func() string { return "none" })
	must(t, w.discord.Delete(root))
	k.over()
	w.elsewhereClean()
	w.clean()
}

// TestDiscordLocked: a locked thread still shows the agent's words to a bot that may manage threads; an archived one comes
// back with them, and with the customer's.
func TestDiscordLocked(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(k *dtalk) error{
		"locked":              func(k *dtalk) error { return k.discord.Lock(k.place) },
		"archived":            func(k *dtalk) error { return k.discord.Archive(k.place) },
		"archived and locked": func(k *dtalk) error { _ = k.discord.Lock(k.place); return k.discord.Archive(k.place) },
	}, func(t *testing.T, do func(k *dtalk) error) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.agent()
		k.agentSays("before")
		k.reads("**Grace:** before")
		must(t, do(k))
		k.agentSays("after")
		k.reads("**Grace:** after")
		_ = w.discord.Unlock(k.place)
		k.say("two")
		k.agentHas("two")
		must(t, w.discord.Archive(k.place))
		k.say("three") // brings it back
		k.agentHas("two", "three")
		k.finish()
		k.shows(greeting, "one", "**Grace:** before", "**Grace:** after", lineEnded)
		w.clean()
	})
}

// TestDiscordPostInDoubt: whatever becomes of the call, each of the agent's words is shown exactly once and in order.
func TestDiscordPostInDoubt(t *testing.T) {
	t.Parallel()
	each(t, map[string]discordsim.Fault{
		"answer lost":              {Deed: true, Drop: true},
		"call lost":                {Drop: true},
		"502 after the deed":       {Deed: true, Status: 502, Body: `{"message":"bad gateway"}`},
		"502 without the deed":     {Status: 502, Body: "<html>"},
		"500 after the deed":       {Deed: true, Status: 500, Body: `{"message":"500: Internal Server Error","code":0}`},
		"503":                      {Status: 503},
		"garbage":                  {Deed: true, Status: 200, Body: "<html>"},
		"empty answer":             {Deed: true, Status: 200, Body: "{}"},
		"answer after the time":    {Deed: true, Delay: 900 * time.Millisecond},
		"deed after the time":      {Delay: 900 * time.Millisecond},
		"answer lost thrice":       {Deed: true, Drop: true, Times: 3},
		"408":                      {Deed: true, Status: 408},
		"redirected":               {Deed: true, Status: 307, Header: map[string]string{"Location": "http://127.0.0.1:1/"}},
		"429, user":                {Status: 429, Header: map[string]string{"X-RateLimit-Scope": "user", "Retry-After": "1"}, Body: `{"message":"You are being rate limited.","retry_after":0.4,"global":false}`},
		"429, shared":              {Status: 429, Header: map[string]string{"X-RateLimit-Scope": "shared"}, Body: `{"message":"The resource is being rate limited.","retry_after":0.4,"global":false}`},
		"429, global":              {Status: 429, Header: map[string]string{"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global", "Retry-After": "1"}, Body: `{"message":"You are being rate limited.","retry_after":0.6,"global":true}`},
		"429, Cloudflare's":        discordsim.CloudflareFault(postRoute, 429),
		"slow mode":                {Status: 429, Body: `{"message":"This action cannot be performed due to slowmode rate limit.","code":20016,"retry_after":0.4}`},
		"429 that names no time":   {Status: 429, Body: `{}`},
		"429 thrice, then garbage": {Status: 429, Times: 3, Body: `{"retry_after":0.2}`},
	}, func(t *testing.T, f discordsim.Fault) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.reads("one")
		k.agent()
		k.agentSays("alpha")
		k.reads("**Grace:** alpha")
		f.Route = postRoute
		w.discord.Fail(f)
		for _, text := range []string{"beta", "gamma", "gamma", "delta"} {
			k.agentSays(text)
		}
		k.say("two")
		k.reads("**Grace:** delta")
		k.say("three")
		k.agentHas("two", "three")
		k.finish()
		k.shows(greeting, "one", "**Grace:** alpha", "**Grace:** beta", "**Grace:** gamma", "**Grace:** gamma", "**Grace:** delta", lineEnded)
		w.wants("ccbridge_repeats_total", 0)
		w.wants(`ccbridge_dead_letters_total{direction="down"}`, 0)
		w.clean()
	})
}

// TestDiscordGlobalLimit: a global 429 holds back the other threads too, and only for so long.
func TestDiscordGlobalLimit(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	one, two := w.openDiscord("a"), w.openDiscord("b")
	one.reads("a")
	two.reads("b")
	w.discord.Fail(discordsim.Fault{Route: postRoute, Status: 429, Header: map[string]string{"X-RateLimit-Global": "true"},
		Body: `{"message":"You are being rate limited.","retry_after":1.2,"global":true}`})
	one.say("a1")
	w.until(w.untilDiscord, "the 429", func() bool {
		return slices.ContainsFunc(w.discord.Calls(), func(c discordsim.Call) bool { return c.Status == 429 })
	}, func() string { return "none" })
	for range 3 {
		two.say("b1")
	}
	w.command(eve, one.place, "agent", lineCalling) // interactions are outside of it
	two.readsTimes("b1", 3)
	one.reads("a1")
	w.clean() // the simulator notes calls before the time is over
}

// TestDiscordBanned: Cloudflare's 403 is no refusal by Discord: nothing more is called, nothing is given up.
func TestDiscordBanned(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	k.agentSays("alpha")
	k.reads("**Grace:** alpha")
	w.discord.Fail(discordsim.CloudflareFault(postRoute, 403))
	before := postsTo(w, k.place)
	k.agentSays("beta")
	w.poll("the ban", func() bool { return postsTo(w, k.place) == before+1 })
	k.agentSays("gamma")
	k.say("two")
	k.agentHas("two")
	w.poll("both waiting", func() bool { return strings.Count(w.dumpTable("delivery"), "target=thread") == 2 })
	if n := postsTo(w, k.place); n != before+1 {
		t.Errorf("%d calls after the ban", n-before-1)
	}
	w.wants(`ccbridge_dead_letters_total{direction="down"}`, 0)
	if got := k.session().State; got != ccmsim.StateAgent {
		t.Errorf("the session is %s", got)
	}
	w.clean()
}

// TestDiscordStartInDoubt: the call that makes the thread is lost or done unheard; there is one thread and one session.
func TestDiscordStartInDoubt(t *testing.T) {
	t.Parallel()
	each(t, map[string]discordsim.Fault{
		"answer lost":           {Deed: true, Drop: true},
		"call lost":             {Drop: true},
		"502 after the deed":    {Deed: true, Status: 502},
		"answer after the time": {Deed: true, Delay: 900 * time.Millisecond},
		"429":                   {Status: 429, Body: `{"message":"You are being rate limited.","retry_after":0.4,"global":false}`},
		"too many threads":      {Status: 429, Body: `{"message":"Maximum","code":0,"retry_after":0.3}`, Times: 2},
	}, func(t *testing.T, f discordsim.Fault) {
		w := discordWorld(t, echo)
		w.runDiscord()
		f.Route = startRoute
		w.discord.Fail(f)
		k := w.openDiscord("one")
		k.reads("one")
		k.finish()
		k.shows(greeting, "one", lineEnded)
		var threads []discordsim.Thread
		w.discord.View(func(v *discordsim.View) { threads = v.Threads(guildChannel) })
		if len(threads) != 1 || threads[0].Name != "one" {
			t.Errorf("the threads are %+v", threads)
		}
		w.clean()
	})
}

// TestDiscordAnswerInDoubt: the private answer to a command comes, though a call for it is lost.
func TestDiscordAnswerInDoubt(t *testing.T) {
	t.Parallel()
	const original = "PATCH /webhooks/{app}/{token}/messages/{answer}"
	each(t, map[string]discordsim.Fault{
		"answer lost":        {Deed: true, Drop: true},
		"call lost":          {Drop: true},
		"502 after the deed": {Deed: true, Status: 502},
		"500":                {Status: 500},
		"429":                {Status: 429, Body: `{"message":"You are being rate limited.","retry_after":0.4,"global":false}`},
		"twice lost":         {Drop: true, Times: 2},
	}, func(t *testing.T, f discordsim.Fault) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		f.Route = original
		w.discord.Fail(f)
		k.command(eve, k.place, "agent", lineCalling)
		k.waits()
		w.clean()
	})
}
