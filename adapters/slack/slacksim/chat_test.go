package slacksim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"ccbridge/adapters/slack/slacksim"
)

func TestPostAndFindByMetadata(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	c := client(s)
	root := post(t, s, slacksim.Post{Text: "hello"})
	_, ts, msg, err := c.PostMessageWithResponseContext(soon(t), chn, slack.MsgOptionText("<!channel> & co", true), slack.MsgOptionTS(root),
		slack.MsgOptionUsername("Agnes"), slack.MsgOptionIconEmoji(":wave:"),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "ccb", EventPayload: map[string]any{"id": "d1"}}))
	if err != nil || msg.ThreadTimestamp != root || msg.Username != "Agnes" {
		t.Fatalf("posted %+v, %v", msg, err)
	}
	got := s.Thread(chn, root)
	if len(got) != 2 || got[1].TS != ts || got[1].Plain() != "<!channel> & co" || got[1].Pings != nil || got[1].IconEmoji != ":wave:" || got[1].User != "" {
		t.Errorf("thread is %+v", got)
	}
	for _, all := range []bool{false, true} {
		list, _, _, err := c.GetConversationRepliesContext(soon(t), &slack.GetConversationRepliesParameters{ChannelID: chn, Timestamp: root, IncludeAllMetadata: all})
		if err != nil || len(list) != 2 {
			t.Fatalf("replies: %v, %v", list, err)
		}
		if found := list[1].Metadata.EventPayload["id"] == "d1"; found != all {
			t.Errorf("metadata shown: %v, asked for: %v", found, all)
		}
	}
	clean(t, s)
}

func TestPostIntoADeletedThreadIsUnthreaded(t *testing.T) {
	t.Parallel()
	for _, replies := range []int{0, 1} {
		s := open(t, slacksim.Config{})
		root := post(t, s, slacksim.Post{Text: "hello"})
		for range replies {
			post(t, s, slacksim.Post{Text: "r", ThreadTS: root})
		}
		if err := s.Delete(chn, root); err != nil {
			t.Fatal(err)
		}
		_, ts, msg, err := client(s).PostMessageWithResponseContext(soon(t), chn, slack.MsgOptionText("secret", true), slack.MsgOptionTS(root))
		if err != nil || msg.ThreadTimestamp != "" {
			t.Errorf("%d replies: %+v, %v", replies, msg, err)
		}
		seen := s.Messages(chn)
		if last := seen[len(seen)-1]; last.TS != ts || last.ThreadTS != "" {
			t.Errorf("%d replies: channel shows %+v", replies, seen)
		}
		clean(t, s)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Scopes: allScopes, NoLimits: true})
	s.AddChannel(slacksim.Channel{ID: "C0AWAY", BotAbsent: true})
	s.AddChannel(slacksim.Channel{ID: "G0SECRET", Private: true, BotAbsent: true})
	s.AddChannel(slacksim.Channel{ID: "C0OLD"})
	if err := errors.Join(s.Archive("C0OLD"), s.Leave(chn, bob)); err != nil {
		t.Fatal(err)
	}
	theirs := post(t, s, slacksim.Post{Text: "mine"})
	long := strings.Repeat("x", 20<<10)
	type form = map[string]string
	tests := []struct {
		method string
		form   form
		want   string
	}{
		{"chat.bogus", form{}, "unknown_method"},
		{"auth.test", form{"token": " "}, "invalid_auth"},
		{"auth.test", form{"token": "xapp-sim"}, "not_allowed_token_type"},
		{"apps.connections.open", form{}, "not_allowed_token_type"},
		{"chat.postMessage", form{"channel": "C0NONE", "text": "x"}, "channel_not_found"},
		{"chat.postMessage", form{"channel": "C0AWAY", "text": "x"}, "not_in_channel"},
		{"chat.postMessage", form{"channel": "G0SECRET", "text": "x"}, "channel_not_found"},
		{"chat.postMessage", form{"channel": "C0OLD", "text": "x"}, "is_archived"},
		{"chat.postMessage", form{"channel": chn}, "no_text"},
		{"chat.postMessage", form{"channel": chn, "text": "x", "thread_ts": "17"}, "invalid_thread_ts"},
		{"chat.postMessage", form{"channel": chn, "text": "x", "metadata": `{"event_type":"x"}`}, "invalid_metadata_format"},
		{"chat.postMessage", form{"channel": chn, "text": "x", "metadata": `{"event_type":"x","event_payload":{"a":"` + long + `"}}`}, "metadata_too_large"},
		{"chat.postMessage", form{"channel": chn, "text": "x", "markdown_text": "y"}, "markdown_text_conflict"},
		{"chat.postMessage", form{"channel": chn, "blocks": "{"}, "invalid_blocks_format"},
		{"chat.postMessage", form{"channel": chn, "blocks": `[{"type":"alert"}]`}, "invalid_blocks"},
		{"chat.postEphemeral", form{"channel": chn, "text": "x", "user": bob}, "user_not_in_channel"},
		{"chat.update", form{"channel": chn, "text": "x", "ts": theirs}, "cant_update_message"},
		{"chat.update", form{"channel": chn, "text": "x", "ts": "1700000000.000001"}, "message_not_found"},
		{"chat.delete", form{"channel": chn, "ts": theirs}, "cant_delete_message"},
		{"chat.delete", form{"channel": chn, "ts": "1700000000.000001"}, "message_not_found"},
		{"conversations.history", form{"channel": "C0AWAY"}, "not_in_channel"},
		{"conversations.history", form{"channel": chn, "limit": "1001"}, "invalid_limit"},
		{"conversations.history", form{"channel": chn, "cursor": "bogus"}, "invalid_cursor"},
		{"conversations.replies", form{"channel": chn, "ts": "1700000000.000001"}, "thread_not_found"},
		{"conversations.info", form{"channel": "G0SECRET"}, "channel_not_found"},
		{"conversations.list", form{"types": "bogus"}, "invalid_types"},
		{"conversations.open", form{}, "users_list_not_supplied"},
		{"conversations.open", form{"users": "U0NOBODY"}, "user_not_found"},
		{"users.info", form{"user": "U0NOBODY"}, "user_not_found"},
	}
	for _, tt := range tests {
		if status, ans := call(t, s, tt.method, tt.form); status != 200 || ans["ok"] != false || ans["error"] != tt.want {
			t.Errorf("%s %v: %d %v, want %s", tt.method, tt.form["channel"], status, ans, tt.want)
		}
	}
	if _, ans := do(t, s.URL()+"auth.test", "application/json", `{"token":"xoxb-sim"}`); ans["error"] != "not_authed" {
		t.Errorf("a token in JSON: %v", ans)
	}
	if _, ans := do(t, s.URL()+"auth.test", "application/json", `[1]`); ans["error"] != "json_not_object" {
		t.Errorf("a JSON list: %v", ans)
	}
	if v := s.Violations(); len(v) != 14 { // what is wrong in its form; the others might be right at another time
		t.Errorf("%d violations: %q", len(v), v)
	}
}

func TestBlockLimits(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{NoLimits: true})
	x := func(n int) string { return strings.Repeat("x", n) }
	button := func(id, text, value string) string {
		return fmt.Sprintf(`{"type":"button","action_id":%q,"value":%q,"text":{"type":"plain_text","text":%q}}`, id, value, text)
	}
	section := func(text string) string {
		return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
	}
	list := func(n int, f func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, f(i))
		}
		return strings.Join(all, ",")
	}
	actions := func(elements string) string { return `{"type":"actions","elements":[` + elements + `]}` }
	id := func(i int) string { return button(fmt.Sprint("a", i), "t", "") }
	tests := []struct {
		good, bad string
	}{
		{section(x(3000)), section(x(3001))},
		{section("a"), section("")},
		{list(50, func(int) string { return section("a") }), list(51, func(int) string { return section("a") })},
		{`{"type":"header","text":{"type":"plain_text","text":"` + x(150) + `"}}`, `{"type":"header","text":{"type":"plain_text","text":"` + x(151) + `"}}`},
		{`{"type":"header","text":{"type":"plain_text","text":"a"}}`, `{"type":"header","text":{"type":"mrkdwn","text":"a"}}`},
		{actions(list(25, id)), actions(list(26, id))},
		{actions(id(1) + "," + id(2)), actions(id(1) + "," + id(1))},
		{actions(button(x(255), "t", "")), actions(button(x(256), "t", ""))},
		{actions(button("a", x(75), "")), actions(button("a", x(76), ""))},
		{actions(button("a", "t", x(2000))), actions(button("a", "t", x(2001)))},
		{`{"type":"markdown","text":"` + x(12000) + `"}`, `{"type":"markdown","text":"` + x(12001) + `"}`},
		{`{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`},
	}
	for i, tt := range tests {
		if _, ans := call(t, s, "chat.postMessage", map[string]string{"channel": chn, "blocks": "[" + tt.good + "]"}); ans["ok"] != true {
			t.Errorf("%d: good refused: %v", i, ans)
		}
		_, ans := call(t, s, "chat.postMessage", map[string]string{"channel": chn, "blocks": "[" + tt.bad + "]"})
		if ans["error"] != "invalid_blocks" && ans["error"] != "msg_blocks_too_long" {
			t.Errorf("%d: bad taken: %v", i, ans)
		}
	}
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]int{4000: 1, 4040: 1, 4041: 2, 8001: 3, 50_000: 10} {
		s := open(t, slacksim.Config{})
		if _, _, err := client(s).PostMessageContext(soon(t), chn, slack.MsgOptionText(strings.Repeat("ü", length), true)); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Messages(chn)); got != want {
			t.Errorf("%d characters: %d messages, want %d", length, got, want)
		}
	}
}

func TestPingsAreSeen(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{NoLimits: true})
	tests := map[string]string{
		"<!channel> <@U0ADA>":             "",
		"<!here>":                         `[{"type":"markdown","text":"<!everyone>"}]`,
		"&lt;!channel&gt;":                "",
		"plain &lt;@U0ADA&gt; and nobody": `[{"type":"section","text":{"type":"plain_text","text":"<!channel>"}}]`,
		"rich":                            `[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"broadcast","range":"here"}]}]}]`,
	}
	want := map[string]string{"<!channel> <@U0ADA>": "[channel U0ADA]", "<!here>": "[everyone here]", "rich": "[here]"}
	for text, blocks := range tests {
		call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": text, "blocks": blocks})
		all := s.Messages(chn)
		if got := fmt.Sprint(all[len(all)-1].Pings); got != want[text] && (got != "[]" || want[text] != "") {
			t.Errorf("%s notifies %s, want %s", text, got, want[text])
		}
	}
}

func TestUpdateAndDelete(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	c := client(s)
	_, ts, err := c.PostMessageContext(soon(t), chn, slack.MsgOptionText("a", true), slack.MsgOptionBlocks(slack.NewDividerBlock()),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "ccb", EventPayload: map[string]any{"id": "d1"}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.UpdateMessageContext(soon(t), chn, ts, slack.MsgOptionText("b", true)); err != nil {
		t.Fatal(err)
	}
	if m := s.Messages(chn)[0]; m.Text != "b" || m.Blocks != nil || m.Metadata == nil || m.EditedTS == "" {
		t.Errorf("updated: %+v", m)
	}
	if _, _, err := c.DeleteMessageContext(soon(t), chn, ts); err != nil || len(s.Messages(chn)) != 0 {
		t.Errorf("deleted: %v, %v", err, s.Messages(chn))
	}
	clean(t, s)
}

func TestViolationsOfPosts(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{NoLimits: true})
	root := post(t, s, slacksim.Post{Text: "root"})
	reply := post(t, s, slacksim.Post{Text: "reply", ThreadTS: root})
	for _, form := range []map[string]string{
		{"thread_ts": reply}, {"thread_ts": "1700000000.000001"}, {"link_names": "1"}, {"parse": "full"},
	} {
		form["channel"], form["text"] = fmt.Sprint(chn), "x"
		if _, ans := call(t, s, "chat.postMessage", form); ans["ok"] != true {
			t.Errorf("%v: %v", form, ans)
		}
	}
	if v := s.Violations(); len(v) != 4 {
		t.Errorf("violations: %q", v)
	}
}

func TestScopesAndTokens(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	c := client(s)
	s.SetScopes("chat:write")
	_, _, err := c.PostMessageContext(soon(t), chn, slack.MsgOptionText("x", true), slack.MsgOptionUsername("Agnes"))
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) || refused.Err != "missing_scope" || refused.Needed != "chat:write.customize" || refused.Provided != "chat:write" {
		t.Errorf("username without scope: %#v", err)
	}
	if _, err := c.GetConversationHistoryContext(soon(t), &slack.GetConversationHistoryParameters{ChannelID: chn}); err == nil || err.Error() != "missing_scope" {
		t.Errorf("history without scope: %v", err)
	}
	s.Revoke("xoxb-sim", "token_revoked")
	if _, err := c.AuthTestContext(soon(t)); err == nil || err.Error() != "token_revoked" {
		t.Errorf("revoked: %v", err)
	}
	s.Revoke("xoxb-sim", "")
	if a, err := c.AuthTestContext(soon(t)); err != nil || a.BotID != "B0BRIDGE" || a.UserID != "U0BRIDGE" {
		t.Errorf("valid again: %+v, %v", a, err)
	}
}

func TestCallsAreRecordedWithoutTokens(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{})
	call(t, s, "chat.postMessage", map[string]string{"channel": chn, "text": "x"})
	if _, err := client(s).AuthTestContext(soon(t)); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(s.Calls(""))
	if err != nil || strings.Contains(string(raw), "xoxb") || len(s.Calls("chat.postMessage")) != 1 || !s.Calls("chat.postMessage")[0].Done {
		t.Errorf("calls: %s, %v", raw, err)
	}
}
