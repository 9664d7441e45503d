package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// TestSlackLogIsSilent: a whole run at debug level, with everything going wrong on the way. The log contains nobody's
// words, no token, no secret and no address that is one; the store keeps no such address either.
func TestSlackLogIsSilent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, doubtful, func(c *worldConfig) {
		c.centre.AppSecret = "s3cretOfTheCentre"
		c.slack.BotToken, c.slack.AppToken = "xoxb-verysecret", "xapp-verysecret"
	})
	w.config = strings.NewReplacer("xoxb-sim", "xoxb-verysecret", "xapp-sim", "xapp-verysecret").Replace(w.config)
	w.run()
	k := w.open(ada, "zebra root words")
	k.reads("zebra root words")
	for _, f := range []ccmsim.Fault{ccmsim.DropAfter(), ccmsim.Status(500, "zebra body", nil), ccmsim.Garbage(), ccmsim.Hang(), ccmsim.EdgeRefusal(),
		ccmsim.Status(400, `{"resultDesc":"zebra refused text"}`, nil), ccmsim.ResultCode("99", "zebra desc")} {
		w.centre.Fail("send:CHAT", 1, f)
		k.say("zebra chat words")
	}
	w.centre.Fail("poll", 1, ccmsim.Garbage().After())
	k.say("zebra last words")
	k.reads("zebra last words")
	w.centre.ExpireAccessTokens()
	w.centre.ExpireVisitorTokens("")
	w.centre.Fail("tokenByAkSk", 1, ccmsim.Status(500, "", nil))
	w.centre.Fail("applyToken", 1, ccmsim.Garbage())
	w.told(w.click(ada, k.root, "ccb:agent"), "I am asking for a human.")
	k.waits()
	must(t, w.centre.Desk().Accept(k.visitor, "Zebra Nickname"))
	w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", After: true, Drop: true})
	w.slack.Inject(slacksim.Fault{Method: "response_url", Status: 500, Body: "zebra answer"})
	k.agentSays("zebra agent words")
	k.reads("zebra agent words")
	w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", Body: `{"ok":false,"error":"strange_error","response_metadata":{"messages":["zebra"]}}`})
	k.agentSays("zebra not shown")
	w.logged("an answer could not be shown")
	w.click(bob, k.root, "ccb:end")
	_, err := w.slack.Post(slacksim.Post{Channel: helpChannel, User: ada, ThreadTS: k.root, Text: "zebra", Files: []slacksim.File{{ID: "F1", Name: "zebra.pdf"}}})
	must(t, err)
	k.say(strings.Repeat("zebra ", 8000))
	w.slack.SendEvent(map[string]any{"type": "message", "channel": helpChannel, "user": ada, "ts": "zebra", "text": map[string]any{"zebra": 1}})
	w.slash(ada, helpChannel, "/end")
	k.over()
	k.reads(lineEnded)
	w.slack.DropSockets()
	k.say("zebra after the end")
	k.reads(lineAsk)
	w.stop()

	log := w.log.String()
	if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "call failed") {
		t.Error("the log is not at debug level")
	}
	for what, secret := range map[string]string{
		"words": "zebra words", "somebody's word": "ebra", "bot token": "verysecret", "centre's secret": "s3cretOf", "access token": "tok-",
		"visitor's token": "eyJjcmVhdGVUaW1l", "address of an answer": "/response/", "ticket of a socket": "ticket=",
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
		for _, secret := range []string{"verysecret", "s3cretOf", "tok-", "eyJjcmVhdGVUaW1l"} {
			if bytes.Contains(kept, []byte(secret)) {
				t.Errorf("%s contains %q", name, secret)
			}
		}
	}
	if n := w.rows("SELECT count(*) FROM ledger WHERE body LIKE '%/response/%'"); n > 0 {
		t.Errorf("the ledger keeps %d addresses of private answers", n)
	}
	w.clean()
}
