package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

// oddComponents are of types that this version of the SDK does not know.
var oddComponents = []json.RawMessage{json.RawMessage(`{"type":99,"id":1,"what":{"ever":[1,2]}}`), json.RawMessage(`{"type":20,"id":2}`)}

// oddEvents are dispatches that no client should fall over.
var oddEvents = []struct{ kind, data string }{
	{"MESSAGE_CREATE", `{"id":"1400000000000000777","channel_id":"` + guildChannel + `","guild_id":"` + guildID + `","type":0,"content":"no author","author":null}`},
	{"MESSAGE_CREATE", `{"id":"1400000000000000778","channel_id":"` + guildChannel + `","guild_id":"` + guildID + `","type":0,"content":"no author"}`},
	{"MESSAGE_CREATE", `{"id":"1400000000000000779","channel_id":"` + guildChannel + `","guild_id":"` + guildID + `","type":999,"author":{"id":"` + eve + `"},"content":{"not":"text"}}`},
	{"MESSAGE_CREATE", `{"id":{},"channel_id":[],"guild_id":17,"author":"eve","mentions":"all","attachments":{"0":1},"components":[{"type":"x"}],"thread":7}`},
	{"MESSAGE_CREATE", `{}`}, {"MESSAGE_CREATE", `[]`}, {"MESSAGE_CREATE", `"text"`}, {"MESSAGE_CREATE", `17`},
	{"MESSAGE_UPDATE", `{"id":"5","channel_id":"` + guildChannel + `","guild_id":"` + guildID + `","edited_timestamp":"yesterday"}`},
	{"MESSAGE_UPDATE", `{}`}, {"MESSAGE_DELETE", `{}`}, {"MESSAGE_DELETE", `{"id":"9","channel_id":"8"}`},
	{"MESSAGE_DELETE_BULK", `{"ids":[null,"x",{}],"channel_id":"` + guildChannel + `"}`}, {"MESSAGE_DELETE_BULK", `{"ids":7}`},
	{"INTERACTION_CREATE", `{}`}, {"INTERACTION_CREATE", `{"id":"1","type":3,"token":"t","data":{"custom_id":"ccb:agent"}}`},
	{"INTERACTION_CREATE", `{"id":"1","type":2,"token":"t","guild_id":"` + guildID + `","channel_id":"1","data":null,"member":null}`},
	{"INTERACTION_CREATE", `{"id":"1","type":4,"token":"t","data":[]}`},
	{"THREAD_DELETE", `{}`}, {"THREAD_DELETE", `{"id":"1","guild_id":"` + guildID + `"}`}, {"THREAD_CREATE", `{"id":"1","type":null}`},
	{"CHANNEL_DELETE", `{"id":"1"}`}, {"CHANNEL_UPDATE", `{"id":"` + mallory + `","type":"x"}`}, {"GUILD_DELETE", `{}`},
	{"GUILD_CREATE", `{"id":"2","channels":{},"threads":[null],"roles":[{"id":"x"}]}`}, {"GUILD_CREATE", `[]`},
	{"GUILD_ROLE_UPDATE", `{"role":null}`}, {"THREAD_LIST_SYNC", `{"threads":[null,{}]}`}, {"THREAD_UPDATE", `[1]`},
	{"NEVER_HEARD_OF", `{"x":1}`}, {"READY_SUPPLEMENTAL", `null`}, {"MESSAGE_CREATE", `null`}, {"GUILD_CREATE", `null`},
	{"MESSAGE_POLL_VOTE_ADD", `{}`}, {"TYPING_START", `{"timestamp":"x"}`}, {"PRESENCE_UPDATE", `{"user":null}`},
}

func oddFrames(s *discordsim.Sim) {
	for _, e := range oddEvents {
		s.Emit(e.kind, guildID, json.RawMessage(e.data))
	}
	for _, raw := range []string{`{"op":42,"d":{}}`, `{"op":11}`, `{"op":11,"d":[]}`, `[]`, `null`, `{}`, `{"op":"x"}`, `{"op":10,"d":null}`} {
		s.SendRaw([]byte(raw))
	}
}

// TestDiscordOddEvents: bad events cost themselves, never the process nor the line.
func TestDiscordOddEvents(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	c := w.spawn(0)
	w.logged("\"caught up\" adapter=guild")
	k := w.openDiscord("one")
	k.reads("one")
	connections := w.connections()
	for _, e := range oddEvents {
		w.discord.Emit(e.kind, guildID, json.RawMessage(e.data))
	}
	k.say("two")
	k.reads("two")
	w.writeAs(eve, k.place, "three", discordsim.Extra{Components: oddComponents})
	w.writeAs(eve, k.place, "", discordsim.Extra{Forward: &discordsim.Forward{Content: "forwarded", Components: oddComponents}})
	w.writeAs(eve, k.place, "of an unknown type", discordsim.Extra{Type: 46})
	k.robotHas("one", "two", "three", "forwarded")
	if n := w.connections(); n != connections {
		t.Errorf("%d more connections", n-connections)
	}
	if n := len(w.centre.Sessions()); n != 1 {
		t.Errorf("%d sessions at the centre", n)
	}
	k.finish()
	select {
	case <-c.done:
		t.Error("the process is gone")
	default:
	}
	if strings.Contains(w.log.String(), "panic") {
		t.Error("there was a panic")
	}
	w.clean()
}

// TestDiscordLong: what is too long is refused whole and the writer told; what is long is split, upwards and downwards.
func TestDiscordLong(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	k.say(strings.Repeat("x", 40_000))
	k.until(w.untilDiscord, "the refusal", func() bool {
		return slices.ContainsFunc(k.fromBot(), func(m discordsim.Message) bool { return strings.HasPrefix(m.Content, "Your message is too long") })
	}, func() string { return "none" })
	long := strings.TrimSpace(strings.Repeat("wörter und 🏳️‍🌈 ", 200))
	k.say(long)
	w.atCentre("the long text", func(v ccmsim.View) bool {
		return strings.Join(v.Session(k.visitor).ToAgent, "") == long
	})
	for _, text := range k.session().ToAgent {
		if len(text) > 1024 || !utf8.ValidString(text) {
			t.Errorf("a piece has %d bytes", len(text))
		}
	}
	var words []string
	for n := range 700 {
		words = append(words, fmt.Sprintf("wort%d*", n))
	}
	must(t, w.centre.Desk().Put(k.visitor, map[string]any{"content": strings.Join(words, " ")}))
	k.agentSays("done")
	k.reads("**Grace:** done")
	var pieces []string
	for _, m := range k.fromBot() {
		if n := utf8.RuneCountInString(m.Content); n > 2000 {
			t.Errorf("a post has %d characters", n)
		}
		if text, ok := strings.CutPrefix(m.Content, "**Grace:** wort"); ok {
			pieces = append(pieces, "wort"+text)
		}
	}
	if got := strings.ReplaceAll(strings.Join(pieces, " "), `\*`, "*"); got != strings.Join(words, " ") || len(pieces) < 3 {
		t.Errorf("%d pieces show %.300q…", len(pieces), got)
	}
	k.finish()
	w.clean()
}

// TestDiscordHostileMarkup: nobody is pinged, whoever says it, and it is shown as it was said.
func TestDiscordHostileMarkup(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.reads("one")
	hostile := []string{
		"@everyone @here <@" + mallory + "> <@!" + mallory + "> <@&" + staffID + "> <#" + guildChannel + ">",
		"**Grace:** I am not her", "# head\n> quote\n- list\n1. one\n-# small", "`code` ```block @everyone``` ||spoiler|| [x](https://example.com)",
		"</agent:1> <t:0:R> <:e:1> <id:home>", "~~x~~ _y_ __z__ \\<@" + mallory + "> \\\\<@" + mallory + ">",
	}
	before := len(k.fromBot())
	must(t, w.centre.Desk().RobotSay(k.visitor, hostile[0]))
	k.until(k.untilDiscord, "the robot's words", func() bool { return len(k.fromBot()) > before }, func() string { return fmt.Sprintf("%.2000q", k.contents()) })
	k.agent() // from now on the robot's words bear its name
	for _, text := range hostile {
		k.agentSays(text)
	}
	must(t, w.centre.Desk().Put(k.visitor, map[string]any{"senderNickname": "@everyone **<@" + mallory + ">**\nGrace", "content": "who am I"}))
	must(t, w.centre.Desk().SystemSay(k.visitor, "system "+hostile[0]))
	k.agentSays("done")
	k.reads("**Grace:** done")
	unescape := strings.NewReplacer(`\\`, `\`, `\*`, `*`, `\_`, `_`, `\~`, `~`, "\\`", "`", `\|`, `|`, `\<`, `<`, `\>`, `>`, `\[`, `[`, `\]`, `]`, `\#`, `#`, `\-`, `-`, `\.`, `.`)
	var shown []string
	for _, m := range k.fromBot() {
		if len(m.Pings) > 0 {
			t.Errorf("%q pings %v", m.Content, m.Pings)
		}
		shown = append(shown, unescape.Replace(m.Content))
		if strings.Count(m.Content, "**Grace:**") > 1 {
			t.Errorf("spoofed: %q", m.Content)
		}
	}
	for _, text := range hostile {
		if !slices.Contains(shown, "**Grace:** "+text) {
			t.Errorf("not shown: %q in %q", text, shown)
		}
	}
	for _, text := range []string{hostile[0], "**@everyone **<@" + mallory + ">** Grace:** who am I", "system " + hostile[0]} {
		if !slices.Contains(shown, text) {
			t.Errorf("not shown: %q in %q", text, shown)
		}
	}
	w.clean()
}

// TestDiscordPlainText: what goes up is what a person sees.
func TestDiscordPlainText(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.say("hello <@" + mallory + ">, see <#" + guildChannel + "> <:kettle:1100000000000000999> <https://example.com/> <t:0:d>")
	k.say(botPing + " tell me")
	k.say("a < b && c > d *really*")
	k.robotHas("one", "hello @Mallory, see #channel :kettle: https://example.com/ 1970-01-01", "tell me", "a < b && c > d *really*")
	w.clean()
}

// TestDiscordChanges: an edit is one line of correction, a deletion of what was sent one of retraction, a preview nothing.
func TestDiscordChanges(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	first, second := k.say("frist"), k.say("second")
	k.agentHas("frist", "second")
	must(t, w.discord.Edit(first, "first"))
	must(t, w.discord.Unfurl(first))
	must(t, w.discord.Unfurl(second))
	w.discord.Duplicate(2)
	must(t, w.discord.Edit(first, "the first"))
	must(t, w.discord.Delete(second))
	k.agentHas("frist", "second", "[Correction] first", "[Correction] the first", "[The customer deleted a message: “second”]")
	by := w.writeAs(mallory, k.place, "a bystander's")
	must(t, w.discord.Edit(by, "changed"))
	must(t, w.discord.Delete(by))
	must(t, w.discord.Delete(k.fromBot()[0].ID))
	k.say("third")
	k.agentHas("frist", "second", "[Correction] first", "[Correction] the first", "[The customer deleted a message: “second”]", "third")
	must(t, w.discord.Edit(k.place, "one, corrected")) // the message that began it stands in the channel
	k.agentHas("frist", "second", "[Correction] first", "[Correction] the first", "[The customer deleted a message: “second”]", "third", "[Correction] one, corrected")
	k.finish()
	w.clean()
}

// TestDiscordFiles: a file, a sticker: a line that names it, and a notice.
func TestDiscordFiles(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	w.writeAs(eve, k.place, "look", discordsim.Extra{Attachments: []discordsim.File{{Name: "kettle.png", ContentType: "image/png", Data: []byte("x")}}})
	w.writeAs(eve, k.place, "", discordsim.Extra{Sticker: "wave"})
	k.robotHas("one", "look", "[The customer sent a file: kettle.png. It was not carried over.]", "[The customer sent a file: sticker wave. It was not carried over.]")
	k.readsTimes("Files cannot be passed on yet. The other side only sees the file's name.", 2)
	w.clean()
}

// TestDiscordSpeakers: whose words go up.
func TestDiscordSpeakers(t *testing.T) {
	t.Parallel()
	each(t, map[string][]string{
		`"customer"`: {"one", "two"},
		`"everyone"`: {"one", "Mallory: from mallory", "two"},
	}, func(t *testing.T, want []string) {
		w := discordWorld(t, echo, func(c *worldConfig) { c.route = "speakers = " + t.Name()[strings.Index(t.Name(), "/")+1:] + "\n" })
		w.runDiscord()
		k := w.openDiscord("one")
		w.writeAs(mallory, k.place, "from mallory")
		w.writeAs(warden, k.place, "staff among themselves")
		k.say("two")
		k.robotHas(want...)
		w.writeAs(mallory, k.place, botPing+" end") // not hers
		w.writeAs(warden, k.place, botPing+" end")
		k.over()
		k.reads(lineEnded)
		k.robotHas(want...)
		if n := k.count(lineEnded); n != 1 {
			t.Errorf("ended %d times", n)
		}
		w.clean()
	})
}

// TestDiscordAutomod: a word that Discord refuses for what it is: the agent is told, the next one comes.
func TestDiscordAutomod(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo)
	w.runDiscord()
	k := w.openDiscord("one")
	k.agent()
	w.discord.SetAutomod("badword")
	k.agentSays("a badword")
	k.agentSays("a good word")
	k.reads("**Grace:** a good word")
	k.agentHas("[Your last message could not be shown to the customer.]")
	w.wants(`ccbridge_dead_letters_total{direction="down"}`, 1)
	k.finish()
	w.clean()
}
