package slacksim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"ccbridge/adapters/slack/slacksim"
)

func stamps(ms []slack.Message) []string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Timestamp)
	}
	return out
}

// TestPagesAreTheWhole reads random windows page by page and compares with what a plain filter gives.
func TestPagesAreTheWhole(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{NoLimits: true})
	c := client(s)
	root := post(t, s, slacksim.Post{Text: "root"})
	var top, replies []string
	top = append(top, root)
	for i := range 12 {
		if i%3 == 0 {
			top = append(top, post(t, s, slacksim.Post{Text: "top"}))
			continue
		}
		ts := post(t, s, slacksim.Post{Text: "reply", ThreadTS: root, Broadcast: i%4 == 0})
		replies = append(replies, ts)
		if i%4 == 0 {
			top = append(top, ts)
		}
	}
	all := slices.Sorted(slices.Values(append(slices.Clone(top), replies...)))
	all = append(all, "", "")
	ctx := soon(t)
	rapid.Check(t, func(rt *rapid.T) {
		oldest, latest := rapid.SampledFrom(all).Draw(rt, "oldest"), rapid.SampledFrom(all).Draw(rt, "latest")
		inclusive, limit := rapid.Bool().Draw(rt, "inclusive"), rapid.IntRange(1, 14).Draw(rt, "limit")
		in := func(ts string) bool {
			return (oldest == "" || ts > oldest || inclusive && ts == oldest) && (latest == "" || ts < latest || inclusive && ts == latest)
		}
		var got, want []string
		cursor := ""
		for {
			page, err := c.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
				ChannelID: chn, Oldest: oldest, Latest: latest, Inclusive: inclusive, Limit: limit, Cursor: cursor})
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, stamps(page.Messages)...)
			if cursor = page.ResponseMetaData.NextCursor; cursor == "" {
				break
			}
		}
		for _, ts := range slices.Backward(top) {
			if in(ts) {
				want = append(want, ts)
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("history %v, want %v", got, want)
		}
		got, want, cursor = nil, nil, ""
		for more := true; more; {
			page, hasMore, next, err := c.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: chn, Timestamp: root, Oldest: oldest, Latest: latest, Inclusive: inclusive, Limit: limit, Cursor: cursor})
			if err != nil || len(page) == 0 || page[0].Timestamp != root {
				rt.Fatalf("a page without the root first: %v, %v", page, err)
			}
			got = append(got, stamps(page[1:])...)
			more, cursor = hasMore, next
		}
		for _, ts := range replies {
			if in(ts) {
				want = append(want, ts)
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("replies %v, want %v", got, want)
		}
	})
	clean(t, s)
}

func TestLaggingReads(t *testing.T) {
	t.Parallel()
	var now clock
	s := open(t, slacksim.Config{Now: now.now})
	s.SetReadLag(time.Minute)
	root := post(t, s, slacksim.Post{Text: "root"})
	now.advance(2 * time.Minute)
	post(t, s, slacksim.Post{Text: "new", ThreadTS: root})
	c := client(s)
	for want := 1; want <= 2; want++ {
		list, _, _, err := c.GetConversationRepliesContext(soon(t), &slack.GetConversationRepliesParameters{ChannelID: chn, Timestamp: root})
		if err != nil || len(list) != want {
			t.Errorf("%d messages, want %d; %v", len(list), want, err)
		}
		now.advance(2 * time.Minute)
	}
}

// allScopes are the bridge's, and those of methods the bridge does not need.
var allScopes = []string{"channels:history", "channels:read", "chat:write", "chat:write.customize", "commands",
	"groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:read", "reactions:write", "users:read"}

func TestListsAndOpen(t *testing.T) {
	t.Parallel()
	s := open(t, slacksim.Config{Scopes: allScopes})
	s.AddChannel(slacksim.Channel{ID: "C0AWAY", BotAbsent: true})
	s.AddChannel(slacksim.Channel{ID: "G0MINE", Private: true})
	s.AddChannel(slacksim.Channel{ID: "G0SECRET", Private: true, BotAbsent: true})
	c := client(s)
	im, _, already, err := c.OpenConversationContext(soon(t), &slack.OpenConversationParameters{Users: []string{ada}, ReturnIM: true})
	if err != nil || already || im.ID != s.OpenDM(ada) || im.User != ada {
		t.Fatalf("open: %+v, %v", im, err)
	}
	ids := func(list []slack.Channel) (out []string) {
		for _, ch := range list {
			out = append(out, ch.ID)
		}
		return out
	}
	types := []string{"public_channel", "private_channel", "im"}
	var all []string
	for cursor, first := "", true; first || cursor != ""; first = false {
		var page []slack.Channel
		page, cursor, err = c.GetConversationsContext(soon(t), &slack.GetConversationsParameters{Types: types, Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids(page)...)
	}
	if want := []string{chn, "C0AWAY", "G0MINE", im.ID}; !slices.Equal(all, want) {
		t.Errorf("list %v, want %v", all, want)
	}
	mine, _, err := c.GetConversationsForUserContext(soon(t), &slack.GetConversationsForUserParameters{Types: []string{"im"}})
	if err != nil || !slices.Equal(ids(mine), []string{im.ID}) {
		t.Errorf("direct messages: %v, %v", mine, err)
	}
	u, err := c.GetUserInfoContext(soon(t), ada)
	if err != nil || u.Profile.DisplayName != "Ada" || u.IsBot {
		t.Errorf("user: %+v, %v", u, err)
	}
	info, err := c.GetConversationInfoContext(soon(t), &slack.GetConversationInfoInput{ChannelID: chn})
	if err != nil || info.Name != "general" || !info.IsMember {
		t.Errorf("info: %+v, %v", info, err)
	}
	root := post(t, s, slacksim.Post{Text: "root"})
	if err := c.SetAssistantThreadsStatusContext(soon(t), slack.AssistantThreadsSetStatusParameters{ChannelID: chn, ThreadTS: root, Status: "is typing"}); err != nil || s.Typing(chn, root) != "is typing" {
		t.Errorf("status: %v, %q", err, s.Typing(chn, root))
	}
	if err := c.AddReactionContext(soon(t), "eyes", slack.NewRefToMessage(chn, root)); err != nil || !slices.Equal(s.Messages(chn)[0].Reactions, []string{"eyes"}) {
		t.Errorf("reaction: %v", err)
	}
	link, err := c.GetPermalinkContext(soon(t), &slack.PermalinkParameters{Channel: chn, Ts: root})
	if err != nil || link == "" {
		t.Errorf("permalink: %q, %v", link, err)
	}
	clean(t, s)
}
