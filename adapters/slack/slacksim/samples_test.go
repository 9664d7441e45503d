package slacksim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ccbridge/adapters/slack/slacksim"
)

// loose names the parts that the samples shorten or that are a client's own: compared as to type only. Slack's
// recorded file objects, blocks and attachments are unions of dozens of kinds.
var loose = map[string]bool{"blocks": true, "attachments": true, "files": true, "event_payload": true, "state": true}

// unrecorded are fields Slack sends according to its documentation that its recordings of these payloads lack.
var unrecorded = map[string][]string{
	"chat.update":           {"message.ts"},
	"conversations.replies": {"messages[].subtype", "messages[].username", "messages[].icons", "messages[].client_msg_id"}, // as in history
}

func sample(t *testing.T, path string) any {
	t.Helper()
	dir := os.Getenv("CCBRIDGE_SHARED_DATA")
	if dir == "" {
		t.Skip("CCBRIDGE_SHARED_DATA is not set: no sample payloads to compare with")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "slack-samples", path))
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// compare lists fields of got that the sample lacks or has with another type. null fits everything.
func compare(path string, got, want any) []string {
	switch g := got.(type) {
	case nil:
		return nil
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return []string{path + ": an object"}
		}
		var bad []string
		for _, k := range slices.Sorted(maps.Keys(g)) {
			at := strings.TrimPrefix(path+"."+k, ".")
			switch in, known := w[k]; {
			case !known:
				bad = append(bad, at+": unknown field")
			case !loose[k]:
				bad = append(bad, compare(at, g[k], in)...)
			case fmt.Sprintf("%T", g[k]) != fmt.Sprintf("%T", in):
				bad = append(bad, at+": another type")
			}
		}
		return bad
	case []any:
		w, ok := want.([]any)
		if !ok {
			return []string{path + ": a list"}
		}
		var bad []string
		for _, x := range g {
			if len(w) > 0 {
				bad = append(bad, compare(path+"[]", x, w[0])...)
			}
		}
		return bad
	}
	if g, w := fmt.Sprintf("%T", got), fmt.Sprintf("%T", want); g != w {
		return []string{path + ": " + g + ", not " + w}
	}
	return nil
}

func match(t *testing.T, name string, got any, samplePath string) {
	t.Helper()
	allowed := unrecorded[name]
	for _, bad := range compare("", got, sample(t, samplePath)) {
		field, _, _ := strings.Cut(bad, ":")
		if !slices.Contains(allowed, field) {
			t.Errorf("%s: %s", name, bad)
		}
	}
}

func TestEventsLookLikeSlacks(t *testing.T) {
	t.Parallel()
	sample(t, "events/MessagePayload.json")
	s := open(t, slacksim.Config{AppMentions: true})
	l := connect(t, s)
	next := func(name string) {
		t.Helper()
		f := l.next()
		l.ack(f)
		var got any
		if err := json.Unmarshal(f.Payload, &got); err != nil {
			t.Fatal(err)
		}
		match(t, name, got, "events/"+name+"Payload.json")
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	root := post(t, s, slacksim.Post{Text: "<@U0BRIDGE> hello https://example.com"})
	next("Message")
	next("AppMention")
	reply := post(t, s, slacksim.Post{Text: "r", ThreadTS: root})
	next("Message")
	post(t, s, slacksim.Post{Text: "f", Files: []slacksim.File{{ID: "F1", Name: "a.png", Mimetype: "image/png", Size: 3, URLPrivate: "https://files.slack.com/a"}}})
	next("MessageFileShare")
	post(t, s, slacksim.Post{Text: "m", Subtype: "me_message"})
	next("MessageMe")
	post(t, s, slacksim.Post{Text: "b", ThreadTS: root, Broadcast: true})
	next("MessageThreadBroadcast")
	form := map[string]string{"channel": chn, "text": "x", "metadata": `{"event_type":"e","event_payload":{}}`}
	call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": "plain", "thread_ts": root})
	next("Message")
	form["username"], form["icon_emoji"] = "Agnes", ":wave:"
	call(t, s, "chat.postMessage", form)
	next("MessageBot")
	check(s.Edit(chn, reply, "edited"))
	next("MessageChanged")
	check(s.Unfurl(chn, root))
	next("MessageChanged")
	check(s.Delete(chn, reply))
	next("MessageDeleted")
	check(s.Delete(chn, root))
	next("MessageChanged")
	check(s.Archive(chn))
	next("MessageChannelArchive")
	next("ChannelArchive")
	check(s.Unarchive(chn))
	next("MessageChannelUnarchive")
	next("ChannelUnarchive")
	check(s.KickBot(chn))
	next("ChannelLeft")
	check(s.JoinBot(chn))
	next("MemberJoinedChannel")
	next("MessageChannelJoin")
	s.Uninstall()
	next("TokensRevoked")
	next("AppUninstalled")
}

func TestInteractionsLookLikeSlacks(t *testing.T) {
	t.Parallel()
	sample(t, "events/MessagePayload.json")
	s := open(t, slacksim.Config{NoLimits: true})
	l := connect(t, s)
	root := post(t, s, slacksim.Post{Text: "hello"})
	blocks := `[{"type":"actions","elements":[{"type":"button","action_id":"a","value":"v","style":"primary","text":{"type":"plain_text","text":"t"}}]}]`
	_, ans := call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": "x", "blocks": blocks, "thread_ts": root})
	ts, _ := ans["ts"].(string)
	_, clickErr := s.Click(ada, chn, ts, "a", "")
	_, shortcutErr := s.Shortcut(ada, chn, root, "c")
	_, slashErr := s.Slash(ada, chn, "/agent", "x")
	if clickErr != nil || shortcutErr != nil || slashErr != nil {
		t.Fatal(clickErr, shortcutErr, slashErr)
	}
	for seen := 0; seen < 3; {
		f := l.next()
		l.ack(f)
		var got map[string]any
		if err := json.Unmarshal(f.Payload, &got); err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Type == "slash_commands":
			delete(got, "is_enterprise_install") // a text on the wire of forms, a boolean in the sample
			match(t, "slash command", any(got), "app-backend/slash-commands/SlashCommandPayload.json")
		case got["type"] == "block_actions":
			match(t, "block_actions", any(got), "app-backend/interactive-components/BlockActionPayload.json")
		case got["type"] == "message_action":
			match(t, "message_action", any(got), "app-backend/interactive-components/MessageShortcutPayload.json")
		default:
			continue
		}
		seen++
	}
}

func TestAnswersLookLikeSlacks(t *testing.T) {
	t.Parallel()
	sample(t, "events/MessagePayload.json")
	s := open(t, slacksim.Config{NoLimits: true})
	root := post(t, s, slacksim.Post{Text: "hello"})
	type form = map[string]string
	check := func(method string, f form) map[string]any {
		t.Helper()
		_, ans := call(t, s, method, f)
		match(t, method, any(ans), "api/"+method+".json")
		return ans
	}
	check("auth.test", nil)
	check("apps.connections.open", form{"token": "xapp-sim"})
	check("chat.postMessage", form{"channel": chn, "text": "x", "username": "Agnes", "icon_url": "https://example.com/a.png", "thread_ts": root})
	check("chat.postMessage", form{"channel": chn, "blocks": `[{"type":"alert"}]`})
	check("chat.postMessage", form{"channel": "C0NONE"})
	own, _ := check("chat.postMessage", form{"channel": chn, "text": "x", "metadata": `{"event_type":"e","event_payload":{}}`})["ts"].(string)
	check("chat.update", form{"channel": chn, "ts": own, "text": "y"})
	check("chat.postEphemeral", form{"channel": chn, "user": ada, "text": "x"})
	check("reactions.add", form{"channel": chn, "timestamp": own, "name": "eyes"})
	check("conversations.history", form{"channel": chn, "limit": "1", "include_all_metadata": "true"})
	check("conversations.replies", form{"channel": chn, "ts": root, "include_all_metadata": "true"})
	check("conversations.info", form{"channel": chn})
	check("conversations.open", form{"users": ada, "return_im": "true"})
	check("conversations.open", form{"users": ada})
	check("conversations.list", form{"types": "public_channel,im"})
	check("users.conversations", form{"types": "public_channel,im"})
	check("users.info", form{"user": ada})
	check("bots.info", form{"bot": "B0BRIDGE"})
	check("chat.getPermalink", form{"channel": chn, "message_ts": own})
	check("chat.delete", form{"channel": chn, "ts": own})
	s.SetScopes()
	check("conversations.history", form{"channel": chn})
}
