package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/ccm/ccmsim"
)

// What the bridge says in the tests of this package, as a person reads it.
const (
	lineWelcome    = "You are connected. Use the buttons to talk to a human or to end the conversation."
	lineQueued     = "I am connecting you to a human. Please wait."
	lineEnded      = "This conversation has ended."
	lineAsk        = "This conversation has ended. Shall I open it again and pass your message on?"
	lineNewSession = "The earlier conversation was closed in the meantime. I am opening a new one."
	lineCentreEnds = "The contact centre has ended this conversation."
	lineAgentEnds  = "The agent has ended this conversation."
	lineLost       = "The contact centre has closed this conversation."
	lineQueuing    = "Queuing. Please wait for an agent." // the centre's
	lineConnected  = "The call is connected to an agent."
	greeting       = "Hello, I am the robot. Ask me something, or ask for a human."
)

const (
	botMention = "<@U0BRIDGE>"
	botUser    = "U0BRIDGE"
)

// limits replaces the lines of [limits].
func limits(lines ...string) option {
	return func(c *worldConfig) { c.limits = strings.Join(lines, "\n") + "\n" }
}

// echo makes every answer of the robot tell which question it answers, and the centre hold empty polls long enough: one
// that answered them within a second would be asked more slowly.
func echo(c *worldConfig) {
	c.centre.Robot = ccmsim.Robot{Echo: true}
	c.centre.PollWait = 1050 * time.Millisecond
	c.limits = "look_gap = \"100ms\"\ncall_timeout = \"5s\"\n"
}

// doubtful is echo with a short time to wait for answers that do not come.
func doubtful(c *worldConfig) {
	echo(c)
	c.limits = "look_gap = \"100ms\"\ncall_timeout = \"700ms\"\n"
}

// run starts the bridge and waits until it has caught up with Slack.
func (w *world) run() {
	w.t.Helper()
	const ready = `msg="caught up" adapter=acme`
	before := strings.Count(w.log.String(), ready)
	w.start()
	w.loggedAgain(ready, before)
}

// loggedAgain waits until the log contains text more than so many times.
func (w *world) loggedAgain(text string, before int) {
	w.t.Helper()
	w.poll(fmt.Sprintf("%q in the log", text), func() bool { return strings.Count(w.log.String(), text) > before })
}

// poll waits for what no simulator tells: the condition is asked every few milliseconds.
func (w *world) poll(what string, cond func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("waiting for %s: it does not come", what)
		}
	}
}

// talk is one thread in the help channel and its newest session at the centre.
type talk struct {
	*world
	root    string
	visitor string
}

// open begins a conversation.
func (w *world) open(user, text string) *talk {
	w.t.Helper()
	k := &talk{world: w, root: w.ask(user, "", text)}
	w.sees(k.root, lineWelcome)
	k.visitor = w.visitorOf(text)
	return k
}

// visitorOf waits until a text has reached the centre and tells whose it was.
func (w *world) visitorOf(text string) (visitor string) {
	w.t.Helper()
	w.atCentre(fmt.Sprintf("%q", text), func(v ccmsim.View) bool {
		for _, e := range slices.Backward(v.Log()) {
			if e.Content == text {
				visitor = e.Visitor
				return true
			}
		}
		return false
	})
	return visitor
}

// say writes as the customer. If the bridge runs it has the text when say returns: what comes over two sockets may
// overtake each other.
func (k *talk) say(text string) (ts string) {
	k.t.Helper()
	ts = k.ask(ada, k.root, text)
	if k.stopBridge != nil {
		k.heard()
	}
	return ts
}

// heard waits until everything that was written is acknowledged.
func (w *world) heard() {
	w.t.Helper()
	w.until(w.slack.Until, "no event under way", func() bool { s := w.slack.Stats(); return s.InFlight == 0 && s.Waiting == 0 },
		func() string { return fmt.Sprintf("%+v", w.slack.Stats()) })
}

// reads waits until the bridge shows a text in the thread.
func (k *talk) reads(text string) { k.t.Helper(); k.readsTimes(text, 1) }

func (k *talk) readsTimes(text string, times int) {
	k.t.Helper()
	k.until(k.slack.Until, fmt.Sprintf("%d times %q in the thread", times, text), func() bool { return k.count(text) >= times },
		func() string { return fmt.Sprintf("%q", k.texts(k.root)) })
}

// queue asks for a human and waits for the place in the queue.
func (k *talk) queue() {
	k.t.Helper()
	k.say(botMention + " agent")
	k.waits()
}

// waits until the session is in the queue.
func (k *talk) waits() {
	k.t.Helper()
	k.atCentre("the queue", func(v ccmsim.View) bool { return slices.Contains(v.Waiting(), k.visitor) })
}

// agent brings Grace in.
func (k *talk) agent() {
	k.t.Helper()
	k.queue()
	must(k.t, k.centre.Desk().Accept(k.visitor, "Grace"))
}

func (k *talk) agentSays(text string) {
	k.t.Helper()
	say(k.t, k.world, k.visitor, text)
}

func (k *talk) session() ccmsim.Session { return k.centre.Session(k.visitor) }

// robotHas and agentHas wait until texts arrived, and then want exactly them.
func (k *talk) robotHas(want ...string) {
	k.t.Helper()
	k.atCentre(fmt.Sprintf("%d texts with the robot", len(want)), func(v ccmsim.View) bool { return len(v.Session(k.visitor).ToRobot) >= len(want) })
	if got := k.session().ToRobot; !slices.Equal(got, want) {
		k.t.Errorf("the robot got %.400q, want %.400q", got, want)
	}
}

func (k *talk) agentHas(want ...string) {
	k.t.Helper()
	k.atCentre(fmt.Sprintf("%d texts with the agent", len(want)), func(v ccmsim.View) bool { return len(v.Session(k.visitor).ToAgent) >= len(want) })
	if got := k.session().ToAgent; !slices.Equal(got, want) {
		k.t.Errorf("the agent got %.400q, want %.400q", got, want)
	}
}

// over waits until the session is over at the centre.
func (k *talk) over() {
	k.t.Helper()
	k.atCentre("the end", func(v ccmsim.View) bool { return v.Session(k.visitor).State == ccmsim.StateEnded })
}

// finish ends the conversation as the customer does and waits for the last line: whatever was on its way to the centre
// or into the thread has come by then.
func (k *talk) finish() {
	k.t.Helper()
	k.say(botMention + " end")
	k.over()
	k.reads(lineEnded)
}

// shows wants exactly these posts of the bridge in the thread. Left out is what may come before or after the answer of a
// call that is on its way at the same time: the welcome, and what tells about the queue.
func (k *talk) shows(want ...string) {
	k.t.Helper()
	if got := k.posts(); !slices.Equal(got, want) {
		k.t.Errorf("the thread shows %.900q, want %.900q", got, want)
	}
}

func (k *talk) posts() []string {
	var list []string
	for _, m := range k.slack.Thread(helpChannel, k.root) {
		switch text := m.Plain(); text {
		case lineWelcome, lineQueued, lineQueuing, lineConnected:
		default:
			if m.BotID != "" {
				list = append(list, text)
			}
		}
	}
	return list
}

// count is how often the bridge shows a text in the thread.
func (k *talk) count(text string) int {
	n := 0
	for _, m := range k.slack.Thread(helpChannel, k.root) {
		if m.BotID != "" && m.Plain() == text {
			n++
		}
	}
	return n
}

// bodies are the bodies of what the centre accepted from a visitor, of one operation ("" for all sends).
func (w *world) bodies(visitor, op string) []map[string]any {
	w.t.Helper()
	var list []map[string]any
	for _, e := range w.centre.Log() {
		if e.Visitor != visitor || op != "" && e.Op != op || op == "" && !strings.HasPrefix(e.Op, "send:") {
			continue
		}
		var body map[string]any
		must(w.t, json.Unmarshal(e.Body, &body))
		list = append(list, body)
	}
	return list
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// get asks the bridge that runs now over HTTP.
func (w *world) get(path string) (status int, body string) {
	w.t.Helper()
	all := listening.FindAllStringSubmatch(w.log.String(), -1)
	if len(all) == 0 {
		w.t.Fatal("the bridge does not listen")
	}
	resp, err := http.Get("http://" + all[len(all)-1][1] + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// metric reads one value of /metrics; name includes its labels.
func (w *world) metric(name string) float64 {
	w.t.Helper()
	_, body := w.get("/metrics")
	for line := range strings.Lines(body) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				w.t.Fatal(err)
			}
			return value
		}
	}
	w.t.Fatalf("/metrics has no %s:\n%s", name, body)
	return 0
}

// wants checks a metric.
func (w *world) wants(name string, want float64) {
	w.t.Helper()
	if got := w.metric(name); got != want {
		w.t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// part is the state of a part in /readyz.
func (w *world) part(name string) (status int, state string) {
	w.t.Helper()
	status, body := w.get("/readyz")
	var ready struct {
		Parts map[string]struct{ State string }
	}
	must(w.t, json.Unmarshal([]byte(body), &ready))
	return status, ready.Parts[name].State
}

// told waits for the private answer to an interaction.
func (w *world) told(i *slacksim.Interaction, text string) slacksim.Message {
	w.t.Helper()
	find := func() int {
		return slices.IndexFunc(i.Outcome().Responses, func(m slacksim.Message) bool { return m.Plain() == text })
	}
	w.until(w.slack.Until, fmt.Sprintf("the private answer %q", text), func() bool { return find() >= 0 },
		func() string { return fmt.Sprintf("%+v", i.Outcome()) })
	m := i.Outcome().Responses[find()]
	if m.For == "" {
		w.t.Errorf("the answer %q is not private", text)
	}
	return m
}

func (w *world) slash(user, channel, command string) *slacksim.Interaction {
	w.t.Helper()
	i, err := w.slack.Slash(user, channel, command, "")
	must(w.t, err)
	return i
}

// channelClean wants nothing of the bot in the channel outside threads.
func (w *world) channelClean() {
	w.t.Helper()
	for _, m := range w.slack.Messages(helpChannel) {
		if m.BotID != "" {
			w.t.Errorf("in the channel stands %q", m.Plain())
		}
	}
}

// each runs a test for every name, at the same time.
func each[T any](t *testing.T, cases map[string]T, do func(t *testing.T, c T)) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(t, c)
		})
	}
}

// rows asks the bridge's store for a number.
func (w *world) rows(query string) (n int) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "bridge.db"))
	must(w.t, err)
	defer db.Close()
	must(w.t, db.QueryRow(query).Scan(&n))
	return n
}

// exec changes the store of a bridge that does not run.
func (w *world) exec(statement string) (sql.Result, error) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "bridge.db"))
	must(w.t, err)
	defer db.Close()
	return db.Exec(statement)
}
