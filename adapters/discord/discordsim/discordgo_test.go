package discordsim

import (
	"testing"

	"github.com/bwmarrin/discordgo"
)

// open opens the session and closes it at the end of the test.
func (w world) open(d *discordgo.Session) {
	w.t.Helper()
	w.ok(d.Open())
	w.t.Cleanup(func() { _ = d.Close() })
}

func TestConversationThroughDiscordgo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	d := w.session()
	messages := make(chan *discordgo.MessageCreate, 100)
	guilds := make(chan *discordgo.GuildCreate, 10)
	d.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { messages <- m })
	d.AddHandler(func(_ *discordgo.Session, g *discordgo.GuildCreate) { guilds <- g })
	old := w.thread()
	w.open(d)
	if g := <-guilds; g.ID != w.guild || len(g.Channels) != 1 || len(g.Threads) != 1 || g.Threads[0].ID != old {
		t.Fatalf("GUILD_CREATE: %+v", g.Guild)
	}

	first := w.post(w.channel, "hello <@"+w.bot.ID+">")
	if m := <-messages; m.ID != first || m.GuildID != w.guild || m.Author.GlobalName != "Ann" || len(m.Mentions) != 1 {
		t.Fatalf("MESSAGE_CREATE: %+v", m.Message)
	}
	thread, err := d.MessageThreadStart(w.channel, first, "kettle", 60)
	w.ok(err)
	if thread.ID != first || thread.ParentID != w.channel {
		t.Fatalf("thread %+v", thread)
	}
	if m := <-messages; m.Type != discordgo.MessageTypeThreadStarterMessage || m.ChannelID != first {
		t.Fatalf("starter: %+v", m.Message)
	}
	for range 2 {
		const body = `{"content":" hi ","nonce":"n1","enforce_nonce":true,"allowed_mentions":{"parse":[]}}`
		if r := w.send(thread.ID, body); r.status != 200 {
			t.Fatalf("post: %d %s", r.status, r.body)
		}
	}
	if m := <-messages; m.Content != "hi" || m.Author.ID != w.bot.ID {
		t.Fatalf("own message: %+v", m.Message)
	}
	if list := w.Messages(thread.ID); len(list) != 2 {
		t.Fatalf("thread holds %+v", list)
	}
	history, err := d.ChannelMessages(thread.ID, 100, "", thread.ID, "")
	w.ok(err)
	if len(history) != 2 || history[0].Content != "hi" {
		t.Fatalf("history %+v", history)
	}
	dm := w.OpenDM(w.user)
	w.post(dm, "psst")
	if m := <-messages; m.GuildID != "" || m.Content != "psst" {
		t.Fatalf("direct message: %+v", m.Message)
	}
	w.noViolations()
}

func TestInteractionsThroughDiscordgo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	d := w.session()
	got := make(chan *discordgo.InteractionCreate, 10)
	d.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { got <- i })
	w.open(d)
	_, err := d.ApplicationCommandBulkOverwrite(w.bot.ID, w.guild, []*discordgo.ApplicationCommand{
		{Name: "agent", Description: "get a human"}, {Name: "To agent", Type: discordgo.MessageApplicationCommand},
	})
	w.ok(err)

	thread := w.thread()
	id := w.id(w.Slash(w.user, thread, "agent", map[string]any{"why": "because"}))
	i := <-got
	if i.ChannelID != thread || i.Member.User.ID != w.user || i.ApplicationCommandData().Options[0].StringValue() != "because" {
		t.Fatalf("interaction %+v", i.Interaction)
	}
	deferred := &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral}}
	w.ok(d.InteractionRespond(i.Interaction, deferred))
	if v, _ := w.Interaction(id); !v.Acknowledged || !v.Deferred || !v.Ephemeral || !v.Loading {
		t.Fatalf("deferred: %+v", v)
	}
	if err := d.InteractionRespond(i.Interaction, deferred); err == nil {
		t.Fatal("a second answer was accepted")
	}
	text := "on the way"
	if _, err := d.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text}); err != nil {
		t.Fatal(err)
	}
	v, _ := w.Interaction(id)
	if v.Loading || len(v.Answers) != 1 || v.Answers[0].Content != text || v.Answers[0].EphemeralTo != w.user {
		t.Fatalf("final: %+v", v)
	}

	r := w.send(thread, `{"content":"choose","components":[{"type":1,"components":[{"type":2,"style":1,"label":"End","custom_id":"ccb:end"}]}]}`)
	button := r.id()
	_ = w.id(w.Click(w.user, button, "ccb:end"))
	i = <-got
	if i.MessageComponentData().CustomID != "ccb:end" || i.Message.ID != button {
		t.Fatalf("click %+v", i.Interaction)
	}
	w.ok(d.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseUpdateMessage,
		Data: &discordgo.InteractionResponseData{Content: "ended", Components: []discordgo.MessageComponent{}}}))
	if m := w.Messages(thread); m[1].Content != "ended" || len(m[1].Buttons) != 0 {
		t.Fatalf("updated message: %+v", m)
	}

	post := w.post(thread, "help")
	_ = w.id(w.Context(w.user, post, "To agent"))
	if i = <-got; i.ApplicationCommandData().Resolved.Messages[post].Content != "help" {
		t.Fatalf("message command %+v", i.Interaction)
	}
	w.Advance(answerTime + 1)
	if err := d.InteractionRespond(i.Interaction, deferred); err == nil {
		t.Fatal("a late answer was accepted")
	}
	w.ok(w.Archive(thread))
	if _, err := w.Slash(w.user, thread, "agent", nil); err == nil {
		t.Fatal("a command in an archived thread was accepted")
	}
	w.noViolations()
}

func TestDiscordgoResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{NoLimits: true})
	d := w.session()
	texts := make(chan string, 100)
	resumed := make(chan bool, 1)
	gone := make(chan bool, 10) // discordgo tells of it more than once
	d.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { texts <- m.Content })
	d.AddHandler(func(_ *discordgo.Session, _ *discordgo.Resumed) { texts <- "RESUMED"; resumed <- true })
	d.AddHandler(func(_ *discordgo.Session, _ *discordgo.Disconnect) { gone <- true })
	w.open(d)
	w.post(w.channel, "1")
	if got := <-texts; got != "1" {
		t.Fatal(got)
	}
	// Before its first heartbeat discordgo's heart would close the next connection (sheet, trap 4).
	w.until("first heartbeat", func(v *View) bool { return v.Gateway().Heartbeats > 0 })
	w.DropGateway()
	<-gone
	w.post(w.channel, "2")
	w.post(w.channel, "3")
	w.ok(d.Open())
	<-resumed
	for _, want := range []string{"2", "3", "RESUMED"} {
		if got := <-texts; got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	w.until("resumed", func(v *View) bool { return v.Gateway().Resumed == 1 && v.Gateway().Identified == 1 })
	w.noViolations()
}
