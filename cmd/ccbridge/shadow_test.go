package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

// shadowRoutes puts every route into shadow mode.
func shadowRoutes(c *worldConfig) { c.route = "shadow = true\n" }

// stepped waits until a shadow has entered a state.
func (w *world) stepped(state string) {
	w.t.Helper()
	w.logged(`msg="session of a shadow"`)
	w.poll("state "+state, func() bool { return strings.Contains(w.log.String(), "to="+state) })
}

// shadowReport runs `ccbridge shadow`.
func (w *world) shadowReport(flags ...string) string {
	w.t.Helper()
	var out, errs bytes.Buffer
	if err := run(w.ctx, append([]string{"shadow", "-config", filepath.Join(w.dir, "config.toml")}, flags...), nil, &out, &errs); err != nil {
		w.t.Fatalf("ccbridge shadow: %v %s", err, errs.String())
	}
	return out.String()
}

// stored is all that the store's rows hold of words.
func (w *world) stored() string {
	w.t.Helper()
	db := w.database()
	defer db.Close()
	rows, err := db.Query("SELECT body FROM ledger UNION ALL SELECT body FROM queue UNION ALL SELECT body FROM delivery UNION ALL SELECT body FROM thread")
	must(w.t, err)
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var body string
		must(w.t, rows.Scan(&body))
		all.WriteString(body + "\n")
	}
	must(w.t, rows.Err())
	return all.String()
}

// centreSilent wants that the centre was never called.
func (w *world) centreSilent() {
	w.t.Helper()
	if calls := w.centre.Calls(); len(calls) > 0 || len(w.centre.Sessions()) > 0 {
		w.t.Errorf("the centre was called: %v", calls)
	}
}

// TestSlackShadow: a conversation with a command, over a restart, of which Slack and the centre never hear; and what the
// report says of it, from the running bridge and from the store.
func TestSlackShadow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shadowRoutes)
	w.run()
	root := w.ask(ada, "", "hello, my parcel is lost")
	w.stepped("robot")
	_, err := w.slack.Slash(ada, helpChannel, "/agent", "")
	must(t, err)
	w.stepped("queued")
	w.stop()
	w.ask(ada, root, "anybody?")
	w.run()
	w.ask(ada, root, botMention+" end")
	w.stepped("ended")
	var report struct {
		Threads []bridge.ShadowView
		Sum     bridge.ShadowView
	}
	w.poll("the report has all", func() bool {
		must(t, json.Unmarshal([]byte(w.shadowReport("-json", "-texts")), &report))
		return report.Sum.Posts[bridge.MessageNotice] == 3 // welcome, queued, ended
	})
	if c := report.Sum.Calls; len(report.Threads) != 1 || c[bridge.CallConnect] != 1 || c[bridge.CallChat] != 2 || c[bridge.CallTransfer] != 1 || c[bridge.CallDisconnect] != 1 || report.Sum.Posts[bridge.MessageAnswer] != 1 {
		t.Errorf("the report: %+v", report)
	}
	lines := report.Threads[0].Lines
	if !slices.ContainsFunc(lines, func(l bridge.ShadowLine) bool { return l.Kind == "CHAT" && l.Text == "anybody?" }) {
		t.Errorf("its lines: %+v", lines)
	}
	w.stop()
	if text := w.shadowReport(); !strings.Contains(text, "sessions 1, texts to the centre 2, transfers 1, ends 1; posts answer 1, notice 3, refused texts 0") || strings.Contains(text, "anybody") {
		t.Errorf("the stopped store's report:\n%s", text)
	}
	w.centreSilent()
	for _, method := range []string{"chat.postMessage", "chat.postEphemeral", "chat.update", "chat.delete", "reactions.add", "response_url"} {
		if calls := w.slack.Calls(method); len(calls) > 0 {
			t.Errorf("%s was called: %+v", method, calls)
		}
	}
	if got := len(w.slack.Thread(helpChannel, root)) + len(w.slack.Ephemerals(ada)); got != 3 {
		t.Errorf("%d messages in the thread", got)
	}
	w.clean()
}

// TestDiscordShadow: the same in a forum post. Of a command Discord hears that it was received, and nothing more.
func TestDiscordShadow(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, shadowRoutes)
	w.runDiscord()
	place, err := w.discord.ForumPost(guildForum, eve, "My kettle", "it leaks")
	must(t, err)
	w.stepped("robot")
	w.slashDiscord(eve, place, "agent")
	w.stepped("queued")
	w.stop()
	w.writeAs(eve, place, "anybody?")
	w.runDiscord()
	w.writeAs(eve, place, botPing+" end")
	w.stepped("ended")
	w.poll("the report has all", func() bool {
		return strings.Contains(w.shadowReport(), "sessions 1, texts to the centre 2, transfers 1, ends 1; posts answer 1, notice 3, refused texts 0")
	})
	w.stop()
	w.centreSilent()
	for _, c := range w.discord.Calls() {
		if method, _, _ := strings.Cut(c.Route, " "); method != "GET" && !strings.Contains(c.Route, "/commands") && !strings.Contains(c.Route, "/callback") {
			t.Errorf("a call: %s", c.Route)
		}
	}
	w.clean()
}

// TestSlackMasks: card numbers and addresses reach neither the centre nor the disk; what the agent writes is shown as it is.
func TestSlackMasks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, func(c *worldConfig) { c.route = "mask = [\"card\", \"email\"]\nmask_patterns = ['K-\\d{4}']\n" })
	w.run()
	root := w.ask(ada, "", "customer K-1234, card 4111 1111 1111 1111, ada@example.com, order 1234567890")
	const masked = "customer [masked], card [card], [email], order 1234567890"
	w.sees(root, masked) // the robot's echo
	w.click(ada, root, "ccb:agent")
	w.sees(root, "I am connecting you to a human. Please wait.")
	visitor := w.centre.Desk().Waiting()[0]
	must(t, w.centre.Desk().Accept(visitor, "Grace"))
	say(t, w, visitor, "write to grace@example.com")
	w.sees(root, "write to grace@example.com")
	if got := w.centre.Session(visitor).ToRobot; !slices.Equal(got, []string{masked}) {
		t.Errorf("the robot got %q", got)
	}
	w.stop()
	if all := w.stored(); strings.Contains(all, "4111 1111") || strings.Contains(all, "K-1234") || strings.Contains(all, "ada@example.com") || strings.Contains(all, "grace@example.com") || !strings.Contains(all, "write to [email]") {
		t.Errorf("the store has\n%s", all)
	}
	w.clean()
}

// TestDiscordMasks: masked for the centre alone, also in a correction.
func TestDiscordMasks(t *testing.T) {
	t.Parallel()
	w := discordWorld(t, echo, func(c *worldConfig) { c.route = "mask = [\"iban\"]\nmask_for = \"centre\"\n" })
	w.runDiscord()
	const masked = "to [iban] please"
	place, err := w.discord.ForumPost(guildForum, eve, "Money", "to DE89 3704 0044 0532 0130 00 please")
	must(t, err)
	k := &dtalk{world: w, place: place}
	k.reads(`to \[iban\] please`) // as Discord is sent it
	k.visitor = w.visitorOf(masked)
	id := k.say("or GB82WEST12345698765432")
	k.reads(`or \[iban\]`)
	must(t, w.discord.Edit(id, "or GB82WEST12345698765432!"))
	k.robotHas(masked, "or [iban]", "[Correction] or [iban]!")
	w.stop()
	if all := w.stored(); !strings.Contains(all, "GB82WEST12345698765432") {
		t.Error("the ledger has it masked")
	}
	w.clean()
}

// darkChannel is a channel of Slack in shadow mode.
const darkChannel = "C0DARK"

// TestShadowUnderLoad: beside busy real threads, over a restart, those in shadow mode are all there in the report, in order
// and once, and nowhere else; the real ones miss nothing.
func TestShadowUnderLoad(t *testing.T) {
	t.Parallel()
	w := reloadWorld(t)
	w.slack.AddChannel(slacksim.Channel{ID: darkChannel, Name: "dark"})
	w.config = strings.Replace(w.config, "[[routes]]", "[[routes]]\nadapter = \"acme\"\nchannels = [\""+darkChannel+"\"]\nopen = \"message\"\nshadow = true\n\n[[routes]]", 1)
	w.runDiscord()
	w.logged("caught up\" adapter=acme")
	lines := []*loaded{w.begin(0), w.begin(1), w.begin(2)}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() { writeAll(lines, stop) })
	dark := map[string][]string{}
	for i := range 3 {
		text := stormText("dark", i, 0)
		dark[w.darkPost("", text)] = []string{text}
	}
	for n := 1; n <= 8; n++ {
		for root, texts := range dark {
			text := stormText("dark", len(texts), n)
			w.darkPost(root, text)
			dark[root] = append(texts, text)
			w.poll("the report has "+text, func() bool { return strings.Contains(w.shadowReport("-texts"), text) })
		}
		if n == 4 {
			w.stop()
			w.runDiscord()
		}
	}
	close(stop)
	writing.Wait()
	for _, l := range lines {
		l.complete()
	}
	w.reportHas(dark)
	for _, m := range w.slack.All(darkChannel) {
		if m.User != bob {
			t.Errorf("posted in shadow mode: %q", m.Plain())
		}
	}
	if n := len(w.centre.Sessions()); n != len(lines) {
		t.Errorf("%d sessions at the centre, want those of the %d real threads", n, len(lines))
	}
	w.stop()
	w.clean()
}

// darkPost writes as Bob into the channel in shadow mode, and answers the thread.
func (w *world) darkPost(root, text string) string {
	w.t.Helper()
	ts, err := w.slack.Post(slacksim.Post{Channel: darkChannel, User: bob, Text: text, ThreadTS: root})
	must(w.t, err)
	return ts
}

// reportHas wants that the shadows' texts to the centre are these, by thread.
func (w *world) reportHas(want map[string][]string) {
	w.t.Helper()
	var report struct{ Threads []bridge.ShadowView }
	must(w.t, json.Unmarshal([]byte(w.shadowReport("-json", "-texts")), &report))
	got := map[string][]string{}
	for _, thread := range report.Threads {
		for _, l := range thread.Lines {
			if l.Kind == string(bridge.CallChat) {
				got[thread.Thread.Root] = append(got[thread.Thread.Root], l.Text)
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("the report has %q, want %q", got, want)
	}
}
