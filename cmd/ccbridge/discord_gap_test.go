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

// ago is how long ago a message was written.
func ago(d time.Duration) discordsim.Extra { return discordsim.Extra{Age: d} }

// aged is a conversation that began twenty minutes ago.
func (w *world) aged(text string) *dtalk {
	w.t.Helper()
	k := &dtalk{world: w, place: w.writeAs(eve, guildChannel, text, ago(20*time.Minute))}
	k.reads(lineWelcome)
	k.reads(text)
	k.visitor = w.visitorOf(text)
	return k
}

// away takes the gateway away; its sessions are forgotten, so that what happens meanwhile is not replayed.
func (w *world) away() {
	w.t.Helper()
	w.discord.Refuse(true)
	w.discord.DropGateway()
	w.poll("the outage in /readyz", func() bool { status, state := w.part("guild"); return status == 200 && state == "down" })
	w.discord.Forget()
}

// TestDiscordAwayForTenMinutes: the gateway is away; messages in an open thread, a new forum post, a new message in the
// channel and a mention in an old thread are missed, and live events come during catch-up. Nothing is missed, order is kept.
func TestDiscordAwayForTenMinutes(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(w *world) (begin func()){
		"gateway away": func(w *world) func() {
			w.away()
			return func() { w.discord.Refuse(false) }
		},
		"bridge away": func(w *world) func() {
			w.stop()
			w.discord.Forget()
			return w.start
		},
		"bridge away, centre too at first": func(w *world) func() {
			w.stop()
			w.centre.Fail("*", 0, ccmsim.DropBefore())
			return func() {
				w.start()
				w.logged("\"caught up\" adapter=guild")
				w.centre.ClearFaults()
			}
		},
	}, func(t *testing.T, leave func(w *world) func()) {
		w := discordWorld(t, echo, func(c *worldConfig) { c.limits += "open_per_customer = 9\n" })
		old, err := w.discord.StartThread(guildChannel, mallory, discordsim.NewThread{Name: "old", Age: 3 * time.Hour})
		must(t, err)
		w.runDiscord()
		k := w.aged("m0")
		want := []string{"m0"}
		begin := leave(w)

		for n := 1; n <= 9; n++ {
			want = append(want, fmt.Sprintf("m%d", n))
			w.writeAs(eve, k.place, want[n], ago(time.Duration(600-n)*time.Second))
		}
		post, err := w.discord.ForumPost(guildForum, eve, "My kettle", "post 1", ago(8*time.Minute))
		must(t, err)
		w.writeAs(eve, post, "post 2", ago(7*time.Minute))
		fresh := w.writeAs(eve, guildChannel, "fresh", ago(6*time.Minute))
		w.writeAs(mallory, old, "among ourselves", ago(5*time.Minute))
		w.writeAs(eve, old, botPing+" mentioned", ago(4*time.Minute))
		w.writeAs(mallory, k.place, "a bystander", ago(4*time.Minute))

		w.discord.Fail(discordsim.Fault{Route: getRoute, Delay: 150 * time.Millisecond, Times: -1}) // a long catch-up
		connections := w.connections()
		begin()
		w.until(w.untilDiscord, "the connection", func() bool { return w.connections() > connections }, func() string { return "none" })
		for n := range 5 {
			want = append(want, fmt.Sprintf("live%d", n))
			k.say(want[len(want)-1])
			w.write(post, fmt.Sprintf("post %d", 3+n))
		}
		k.robotHas(want...)
		k.reads("live4")
		other := &dtalk{world: w, place: post, visitor: w.visitorOf("post 1")}
		other.robotHas("post 1", "post 2", "post 3", "post 4", "post 5", "post 6", "post 7")
		other.reads("post 7")
		third := &dtalk{world: w, place: fresh, visitor: w.visitorOf("fresh")}
		third.reads("fresh")
		fourth := &dtalk{world: w, place: old, visitor: w.visitorOf("mentioned")}
		fourth.reads("mentioned")
		for _, x := range []*dtalk{k, other, third, fourth} {
			x.finish()
		}
		k.shows(append(append([]string{greeting}, want...), lineEnded)...)
		if n := len(w.centre.Sessions()); n != 4 {
			t.Errorf("%d sessions at the centre, want 4", n)
		}
		w.clean()
	})
}

// connections is how many connections were made to the gateway.
func (w *world) connections() (n int) {
	w.discord.View(func(v *discordsim.View) { n = v.Gateway().Identified + v.Gateway().Resumed })
	return n
}

// TestDiscordManyMissed: more messages than fit into one page of history.
func TestDiscordManyMissed(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo, func(c *worldConfig) { c.limits += "held = 1000\n" })
	w.runDiscord()
	k := w.aged("m0")
	k.agent() // the robot would answer each
	w.stop()
	var want []string
	for n := range 110 {
		want = append(want, fmt.Sprintf("m%d", n+1))
		w.writeAs(eve, k.place, want[n], ago(10*time.Minute-time.Duration(n)*time.Second))
	}
	w.runDiscord()
	k.agentHas(want...)
	w.clean()
}

// TestDiscordTooOld: what is older than catch_up opens nothing; what was read before has no second effect.
func TestDiscordTooOld(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo, func(c *worldConfig) { c.limits += "catch_up = \"15m\"\n" })
	w.runDiscord()
	k := w.openDiscord("one")
	k.finish()
	w.stop()
	w.writeAs(eve, guildChannel, "too old", ago(40*time.Minute))
	w.runDiscord()
	w.away()
	w.discord.Refuse(false)
	other := w.openDiscord("two")
	other.finish()
	if n := len(w.centre.Sessions()); n != 2 {
		t.Errorf("%d sessions at the centre: %+v", n, w.centre.Sessions())
	}
	k.shows(greeting, "one", lineEnded)
	w.clean()
}

// TestDiscordAgentWhileAway: what the agent says while the bridge is down is shown afterwards; what the customer wrote too.
func TestDiscordAgentWhileAway(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	k.agentSays("alpha")
	k.reads("**Grace:** alpha")
	w.stop()
	k.agentSays("beta")
	k.say("two")
	k.agentSays("gamma")
	k.say("three")
	w.runDiscord()
	k.reads("**Grace:** gamma")
	k.agentHas("two", "three")
	k.finish()
	k.shows(greeting, "one", "**Grace:** alpha", "**Grace:** beta", "**Grace:** gamma", lineEnded)
	w.clean()
}

// TestDiscordThreadDeletedWhileAway: the session of a thread that is no more ends.
func TestDiscordThreadDeletedWhileAway(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	k.agentSays("alpha")
	k.reads("**Grace:** alpha")
	w.stop()
	must(t, w.discord.Remove(k.place))
	w.runDiscord()
	k.over()
	w.clean()
}

// TestDiscordUnreadableHistory: an empty answer without the right to read the history is reported, and is not "nothing new".
// Live events still work.
func TestDiscordUnreadableHistory(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.reads("one")
	w.stop()
	k.say("two")
	w.write(guildChannel, "another")
	must(t, w.discord.SetPermissions(guildChannel, discordsim.DefaultPermissions&^discordsim.ReadHistory))
	w.runDiscord()
	w.reported("could not be read after a gap", "history may not be read")
	w.reported("could not be read after a gap", "archived threads of channel "+guildChannel+": HTTP 403 code 50001")
	k.say("three")
	k.reads("three")
	k.robotHas("one", "three")

	w.stop() // and with the right given back nothing is lost
	must(t, w.discord.SetPermissions(guildChannel, discordsim.DefaultPermissions))
	w.runDiscord()
	w.visitorOf("another")
	k.robotHas("one", "three", "two")
	w.clean()
}

// reported wants a line in the log that has both texts.
func (w *world) reported(what, why string) {
	w.t.Helper()
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, what) && strings.Contains(line, why) {
			return
		}
	}
	w.t.Errorf("not reported: %s: %s", what, why)
}

// TestDiscordOddHistory: a message that the SDK cannot decode does not cost the page.
func TestDiscordOddHistory(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.reads("one")
	w.stop()
	k.say("two")
	w.writeAs(eve, k.place, "three", discordsim.Extra{Components: oddComponents})
	w.writeAs(eve, k.place, "", discordsim.Extra{Forward: &discordsim.Forward{Content: "forwarded", Components: oddComponents}})
	w.writeAs(mallory, k.place, "x", discordsim.Extra{Type: 46})
	k.say("four")
	w.runDiscord()
	k.robotHas("one", "two", "three", "forwarded", "four")
	w.clean()
}

// TestDiscordGatewayDamage: the gateway is injured again and again in mid-conversation. Nothing is lost or doubled, and
// where Discord keeps the order it is kept.
func TestDiscordGatewayDamage(t *testing.T) {
	t.Parallel()
	type damage struct {
		opts  []option
		do    func(s *discordsim.Sim)
		times int
		mixed bool // Discord itself mixes the order up
	}
	beat := func(c *worldConfig) { c.discord.HeartbeatInterval = 400 * time.Millisecond }
	each(t, map[string]damage{
		"dropped":              {nil, (*discordsim.Sim).DropGateway, 4, false},
		"op 7":                 {nil, (*discordsim.Sim).Reconnect, 3, false},
		"op 7 before Hello":    {nil, func(s *discordsim.Sim) { s.Op7BeforeHello(2); s.DropGateway() }, 1, false},
		"op 7 after Resume":    {nil, func(s *discordsim.Sim) { s.Op7AfterIdentify(2); s.DropGateway() }, 1, false},
		"op 7 after Identify":  {nil, func(s *discordsim.Sim) { s.Forget(); s.Op7AfterIdentify(1); s.DropGateway() }, 1, false},
		"op 9, resumable":      {nil, func(s *discordsim.Sim) { s.InvalidSession(true) }, 2, false},
		"op 9":                 {nil, func(s *discordsim.Sim) { s.InvalidSession(false) }, 2, false},
		"resume refused":       {nil, func(s *discordsim.Sim) { s.Forget(); s.DropGateway() }, 1, false},
		"op 1":                 {nil, (*discordsim.Sim).RequestHeartbeat, 5, false},
		"op 1, then dropped":   {nil, func(s *discordsim.Sim) { s.RequestHeartbeat(); s.DropGateway() }, 3, false},
		"closed 4000":          {nil, func(s *discordsim.Sim) { s.CloseGateway(4000) }, 3, false},
		"closed 4007":          {nil, func(s *discordsim.Sim) { s.CloseGateway(4007) }, 1, false},
		"closed 4008":          {nil, func(s *discordsim.Sim) { s.CloseGateway(4008) }, 2, false},
		"closed 4009":          {nil, func(s *discordsim.Sim) { s.CloseGateway(4009) }, 1, false},
		"closed 1001":          {nil, func(s *discordsim.Sim) { s.CloseGateway(1001) }, 2, false},
		"zombie":               {[]option{beat}, (*discordsim.Sim).Zombie, 2, false},
		"twice":                {nil, func(s *discordsim.Sim) { s.Duplicate(3) }, 5, false},
		"swapped":              {nil, (*discordsim.Sim).Swap, 3, true},
		"garbage":              {nil, func(s *discordsim.Sim) { s.SendRaw([]byte(`{"op":0,"t":"MESSAGE_CREATE","s":`)) }, 3, false},
		"odd frames":           {nil, oddFrames, 2, false},
		"silent, then talking": {nil, func(s *discordsim.Sim) { s.Silent(true); s.DropGateway(); s.Silent(false) }, 2, false},
		"refused, then taken":  {nil, func(s *discordsim.Sim) { s.Refuse(true); s.DropGateway(); s.Refuse(false) }, 3, false},
		"gateway's address denied": {nil, func(s *discordsim.Sim) {
			s.Fail(discordsim.Fault{Route: "GET /gateway/bot", Status: 502, Times: 1})
			s.Forget()
			s.DropGateway()
		}, 1, false},
	}, func(t *testing.T, c damage) {
		w := discordWorld(t, append([]option{echo}, c.opts...)...)
		w.runDiscord()
		k := w.openDiscord("m0")
		k.reads("m0")
		want := []string{"m0"}
		for round := range c.times {
			c.do(w.discord)
			for range 3 {
				want = append(want, fmt.Sprintf("m%d", len(want)))
				k.say(want[len(want)-1])
			}
			if round%2 == 0 { // every second time in the midst of it
				k.reads(want[len(want)-1])
			}
		}
		want = append(want, "last")
		k.say("last")
		k.reads("last")
		for _, text := range want {
			k.reads(text)
		}
		got, shown := k.session().ToRobot, k.shown()
		if c.mixed {
			slices.Sort(got)
			slices.Sort(want)
			slices.Sort(shown)
		}
		if !slices.Equal(got, want) || !slices.Equal(shown, want) {
			t.Errorf("the robot got %q, the thread shows %q, want %q", got, shown, want)
		}
		w.clean()
	})
}

// shown lists the answers of the echoing robot.
func (k *dtalk) shown() (list []string) {
	for _, m := range k.fromBot() {
		if !strings.HasSuffix(m.Content, ".") {
			list = append(list, m.Content)
		}
	}
	return list
}

// TestDiscordSilentGateway: a server that takes the connection and says nothing. What comes from the centre is still shown,
// Slack is not concerned, and when the line is cut all goes on.
func TestDiscordSilentGateway(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	w.discord.Silent(true)
	w.discord.DropGateway()
	w.until(w.untilDiscord, "the silent connection", func() bool {
		var g discordsim.GatewayState
		w.discord.View(func(v *discordsim.View) { g = v.Gateway() })
		return g.Connected > 1 && g.Open == 1
	}, func() string { return "none" })
	k.agentSays("alpha")
	k.reads("**Grace:** alpha")
	k.say("two")
	w.open(ada, "in Slack").finish()
	w.discord.Silent(false)
	w.discord.DropGateway()
	k.agentHas("two")
	k.finish()
	w.clean()
}

// TestDiscordFatal: what Discord will never take stops this adapter alone, visibly; what comes from the centre waits or is
// shown, Slack goes on, and the program does not end.
func TestDiscordFatal(t *testing.T) {
	t.Parallel()
	each(t, map[string]func(s *discordsim.Sim){
		"4014": func(s *discordsim.Sim) { s.CloseGateway(4014) },
		"4013": func(s *discordsim.Sim) { s.CloseGateway(4013) },
		"4004": func(s *discordsim.Sim) { s.CloseGateway(4004) },
		"4011": func(s *discordsim.Sim) { s.CloseGateway(4011) },
		"401":  func(s *discordsim.Sim) { s.SetToken("another"); s.InvalidSession(false) },
	}, func(t *testing.T, do func(s *discordsim.Sim)) {
		w := discordWorld(t, echo)
		w.runDiscord()
		k := w.openDiscord("one")
		k.reads("one")
		do(w.discord)
		w.poll("the failure in /readyz", func() bool { status, state := w.part("guild"); return status == 200 && state == "failed" })
		connected := w.connections()
		s := w.open(ada, "in Slack")
		s.reads("in Slack")
		s.finish()
		if _, state := w.part("acme"); state != "up" {
			t.Errorf("acme is %s", state)
		}
		if n := w.connections(); n != connected {
			t.Errorf("%d more connections after the refusal", n-connected)
		}
		if n := strings.Count(w.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors in the log, want 1", n)
		}
		w.clean()
	})
}

// TestDiscordRevokedToken: the token is revoked while the agent speaks; with a new one in the configuration what was said
// is shown, and what the customer wrote goes up.
func TestDiscordRevokedToken(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	k.agentSays("alpha")
	k.reads("**Grace:** alpha")
	w.discord.SetToken("another")
	k.agentSays("beta")
	k.agentSays("gamma")
	w.poll("401", func() bool {
		return slices.ContainsFunc(w.discord.Calls(), func(c discordsim.Call) bool { return c.Status == 401 })
	})
	w.stop()
	if n := len(slices.DeleteFunc(w.discord.Calls(), func(c discordsim.Call) bool { return c.Status != 401 })); n > 3 {
		t.Errorf("%d calls with a revoked token", n)
	}
	k.say("two")
	w.config = strings.Replace(w.config, `"sim-bot-token"`, `"another"`, 1)
	w.runDiscord()
	k.agentHas("two")
	k.say("three")
	k.agentHas("two", "three")
	w.clean()
}
