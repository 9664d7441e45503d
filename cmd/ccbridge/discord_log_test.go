package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ccbridge/adapters/discord/discordsim"
)

// TestDiscordLogIsSilent is TestSlackLogIsSilent on Discord.
func TestDiscordLogIsSilent(t *testing.T) {
	t.Parallel()
	const callback, answer = "POST /interactions/{interaction}/{token}/callback", "PATCH /webhooks/{app}/{token}/messages/{answer}"
	w := discordWorld(t, doubtful, func(c *worldConfig) { c.discord.BotToken = "verysecret.of.the.bot" })
	w.config = strings.Replace(w.config, "sim-bot-token", "verysecret.of.the.bot", 1)
	w.runDiscord()
	k := w.openDiscord("zebra root words")
	k.say("zebra chat words")
	k.reads("zebra chat words")
	for _, f := range []discordsim.Fault{{Deed: true, Drop: true}, {Status: 502, Body: "zebra body"}, {Status: 200, Body: "<zebra>"},
		{Status: 429, Body: `{"message":"zebra","retry_after":0.05,"global":false}`}} {
		f.Route = postRoute
		w.discord.Fail(f)
		k.say("zebra more words")
	}
	for _, f := range []discordsim.Fault{{Drop: true}, {Status: 500, Body: `{"message":"zebra"}`}, {Deed: true, Drop: true}} {
		for _, route := range []string{callback, answer} {
			f.Route = route
			w.discord.Fail(f)
		}
		w.slashDiscord(mallory, guildChannel, "agent")
		w.slashDiscord(eve, k.place, "agent")
	}
	k.waits()
	must(t, w.centre.Desk().Accept(k.visitor, "Zebra Nickname"))
	k.agentSays("zebra agent words")
	k.reads("**Zebra Nickname:** zebra agent words")
	w.discord.SetAutomod("badword")
	k.agentSays("zebra badword")
	w.logged("an answer could not be shown")
	w.writeAs(eve, k.place, "zebra", discordsim.Extra{Attachments: []discordsim.File{{Name: "zebra.pdf"}}})
	k.say(strings.Repeat("zebra ", 300))
	w.discord.Emit("MESSAGE_CREATE", guildID, []byte(`{"id":"zebra","channel_id":"`+k.place+`","content":{"zebra":1}}`))
	w.discord.Emit("MESSAGE_CREATE", guildID, []byte(`["zebra"]`))
	w.discord.SendRaw([]byte(`{"zebra`))
	w.command(eve, k.place, "end", lineEnding)
	k.over()
	k.reads(lineEnded)
	w.discord.DropGateway()
	k.say("zebra after the end")
	k.reads(lineAsk)
	w.stop()

	log := w.log.String()
	if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "call failed") {
		t.Error("the log is not at debug level")
	}
	for what, secret := range map[string]string{
		"somebody's word": "ebra", "bot token": "verysecret", "token of an interaction": "aW50ZXJhY3Rpb246",
		"access token": "tok-", "visitor's token": "eyJjcmVhdGVUaW1l",
	} {
		lower := strings.ToLower(log)
		if at := strings.Index(lower, strings.ToLower(secret)); at >= 0 {
			t.Errorf("the log contains %s: %q", what, log[max(0, at-300):min(len(log), at+100)])
		}
	}
	for _, name := range []string{"bridge.db", "bridge.db-wal"} {
		kept, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if bytes.Contains(kept, []byte("verysecret")) {
			t.Errorf("%s contains the bot's token", name)
		}
	}
	if n := w.rows("SELECT count(*) FROM ledger WHERE body LIKE '%aW50ZXJhY3Rpb246%'"); n > 0 {
		t.Errorf("the ledger keeps %d tokens of interactions", n)
	}
}
