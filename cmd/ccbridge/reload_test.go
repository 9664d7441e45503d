package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// moreChannel is a channel of Slack whose route comes and goes.
const moreChannel = "C0MORE"

// put writes a file beside the configuration.
func (w *world) put(name, text string) {
	w.t.Helper()
	must(w.t, os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600))
}

// reloads has the bridge read another configuration, and waits until it says what came of it.
func (w *world) reloads(config, outcome string) {
	w.t.Helper()
	before := strings.Count(w.log.String(), outcome)
	w.put("config.toml", config)
	w.reload <- syscall.SIGHUP
	w.loggedAgain(outcome, before)
}

const (
	reloaded = `"configuration reloaded"`
	refused  = `"the configuration is refused and nothing is changed"`
)

// reloadWorld has its secrets in files.
func reloadWorld(t *testing.T) *world {
	w := newWorld(t, echo, func(c *worldConfig) {
		c.centre.AutoAccept = "Grace"
		c.limits += "open_per_customer = 100\n"
	})
	w.slack.AddChannel(slacksim.Channel{ID: moreChannel, Name: "more"})
	w.config = strings.NewReplacer(`"xoxb-sim"`, `"file:slack.token"`, `"sim-bot-token"`, `"file:discord.token"`,
		fmt.Sprintf("%q", w.centre.AppSecret()), `"file:app.secret"`).Replace(w.config)
	w.put("slack.token", "xoxb-sim\n")
	w.put("discord.token", "sim-bot-token\n")
	w.put("app.secret", w.centre.AppSecret())
	return w
}

// TestReloadUnderLoad: while people and agents write on both platforms the configuration is changed again and again, for
// the better and for the worse. Nothing is lost, doubled, out of order or in a wrong place.
func TestReloadUnderLoad(t *testing.T) {
	t.Parallel()
	w := reloadWorld(t)
	w.runDiscord()
	w.logged("caught up\" adapter=acme")
	var lines []*loaded
	for i := range 6 {
		lines = append(lines, w.begin(i))
	}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() { writeAll(lines, stop) })

	limits := strings.Replace(w.config, "[limits]\n", "[limits]\nheld = 500\nidle = \"1h\"\n", 1)
	more := strings.Replace(w.config, `"C0HELP", "dm"`, `"C0HELP", "C0MORE", "dm"`, 1)
	for i := range 2 {
		w.reloads(limits, reloaded)
		w.reloads(strings.Replace(w.config, "[limits]", "[limit]", 1), refused)
		w.slack.SetBotToken(fmt.Sprintf("xoxb-%d", i))
		w.put("slack.token", fmt.Sprintf("xoxb-%d", i))
		w.reloads(more, reloaded)
		w.carries("in the new channel")
		w.centre.SetAppSecret(fmt.Sprint("secret-", i))
		w.centre.ExpireAccessTokens()
		w.put("app.secret", fmt.Sprint("secret-", i))
		w.reloads(w.config, reloaded)
		w.discord.SetToken(fmt.Sprint("token-", i))
		w.reloads("= nonsense", refused)
		w.put("discord.token", fmt.Sprint("token-", i))
		w.reloads(strings.ReplaceAll(limits, `post_gap = "0s"`, `post_gap = "1ms"`), reloaded)
		w.reloads(strings.Replace(w.config, "call_timeout = \"5s\"", "call_timeout = \"4s\"", 1), reloaded)
	}
	close(stop)
	writing.Wait()
	for _, l := range lines {
		l.complete()
	}
	w.wants(`ccbridge_dead_letters_total{direction="up"}`, 0)
	w.wants(`ccbridge_dead_letters_total{direction="down"}`, 0)
	w.wants("ccbridge_possible_losses_total", 0)
	w.wants("ccbridge_repeats_total", 0)
	w.stop()
	if log := w.log.String(); strings.Contains(log, "xoxb-") || strings.Contains(log, "secret-0") || strings.Contains(log, "token-0") {
		t.Error("a secret stands in the log")
	}
	w.clean()
}

// carries holds a conversation in the channel whose route has just come.
func (w *world) carries(text string) {
	w.t.Helper()
	root, err := w.slack.Post(slacksim.Post{Channel: moreChannel, User: bob, Text: text})
	must(w.t, err)
	w.until(w.slack.Until, "an echo in the new channel", func() bool {
		return slices.ContainsFunc(w.slack.Thread(moreChannel, root), func(m slacksim.Message) bool { return m.User != bob && m.Plain() == text })
	}, func() string { return fmt.Sprint(w.slack.Thread(moreChannel, root)) })
}

// loaded is a thread in which people write, of Slack if it has a root, and its numbers of texts. Those with an agent are odd.
type loaded struct {
	*world
	i       int
	root    string // Slack's
	place   string // Discord's
	visitor string
	up      []string
	down    []string
}

// begin begins the i-th thread, two of three on Slack.
func (w *world) begin(i int) *loaded {
	w.t.Helper()
	l := &loaded{world: w, i: i, up: []string{stormText("up", i, 0)}}
	if i%3 == 2 {
		k := w.openDiscord(l.up[0])
		if l.place, l.visitor = k.place, k.visitor; i%2 == 1 {
			k.say("<@" + botID + "> agent")
		}
	} else {
		k := w.open(ada, l.up[0])
		if l.root, l.visitor = k.root, k.visitor; i%2 == 1 {
			k.say(botMention + " agent")
		}
	}
	if i%2 == 1 {
		w.atCentre("an agent", func(v ccmsim.View) bool { return v.Session(l.visitor).State == ccmsim.StateAgent })
	}
	return l
}

// writeAll writes into all threads, both ways, until stop; not into one that has much to catch up.
func writeAll(lines []*loaded, stop <-chan struct{}) {
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
			if l := lines[n%len(lines)]; len(l.up)-len(l.heardByCentre()) < maxBehind {
				l.write(n/len(lines)%2 == 0)
			}
		}
	}
}

// maxBehind is how many texts of a thread may be on their way to the centre.
const maxBehind = 4

func (l *loaded) write(up bool) {
	text := stormText("up", l.i, len(l.up))
	switch {
	case !up && l.i%2 == 1:
		text = stormText("down", l.i, len(l.down))
		say(l.t, l.world, l.visitor, text)
		l.down = append(l.down, text)
		return
	case l.root != "":
		l.ask(ada, l.root, text)
	default:
		l.world.write(l.place, text)
	}
	l.up = append(l.up, text)
}

// complete waits until the thread has all that was written in it, and wants nothing else.
func (l *loaded) complete() {
	l.t.Helper()
	shown := [2][]string{l.up, l.down}[l.i%2]
	l.poll(fmt.Sprintf("all of thread %d", l.i), func() bool { return len(l.heardByCentre()) >= len(l.up) && len(l.shown()) >= len(shown) })
	if got := l.heardByCentre(); !slices.Equal(got, l.up) {
		l.t.Errorf("thread %d: the centre got %q, want %q", l.i, got, l.up)
	}
	if got := l.shown(); !slices.Equal(got, shown) {
		l.t.Errorf("thread %d: it shows %q, want %q", l.i, got, shown)
	}
}

func (l *loaded) heardByCentre() []string {
	s := l.centre.Session(l.visitor)
	return slices.Concat(s.ToRobot, s.ToAgent)
}

// shown lists what the bridge posted: the robot's echoes, or the agent's words.
func (l *loaded) shown() []string {
	var texts, list []string
	if l.root != "" {
		for _, m := range l.slack.Thread(helpChannel, l.root) {
			if m.User != ada {
				texts = append(texts, m.Plain())
			}
		}
	} else {
		for _, m := range (&dtalk{world: l.world, place: l.place}).fromBot() {
			texts = append(texts, m.Content)
		}
	}
	kind := [2]string{"up-", "down-"}[l.i%2]
	for _, text := range texts {
		if text = strings.TrimPrefix(text, "**Grace:** "); strings.HasPrefix(text, kind) {
			list = append(list, text)
		}
	}
	return list
}
