package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
)

// load is what a benchmark sends through the bridge.
type load struct {
	*benchWorld
	up, down bool
	sentUp   int
	sentDown int
	said     []time.Time // when the agent said the n-th text

	calls, posts int // that count as done before the load began
	skip         int // centre's log before the load
}

// sustainedThreads is how many conversations share the load, and window how many messages are under way at once.
const (
	sustainedThreads = 600
	window           = 900
)

const words = "How can I change the delivery address of my order? It is urgent, the parcel leaves today."

// BenchmarkThroughput sends as much as the bridge takes; one operation is one message from its author to its reader.
// Targets of the issue: 3,000 messages/s and 350 µs of CPU a message, on 2 CPUs that the simulators share.
func BenchmarkThroughput(b *testing.B) {
	for _, d := range []load{{up: true}, {down: true}, {up: true, down: true}} {
		b.Run(d.name(), func(b *testing.B) { sustain(b, d) })
	}
}

func (l *load) name() string {
	switch {
	case l.up && l.down:
		return "mixed"
	case l.up:
		return "up"
	default:
		return "down"
	}
}

func sustain(b *testing.B, l load) {
	l.begin(b, sustainedThreads)
	b.Cleanup(func() { l.clean() })
	l.await("warm up", time.Millisecond, func() bool {
		for l.underWay() < window {
			l.send()
		}
		return l.done() > 3*window
	})
	pid := l.process.Process.Pid
	l.measure()
	cpu, own, done := cpuOf(b, pid), ownCPU(b), l.done()
	start := time.Now()
	for b.Loop() {
		if l.underWay() >= window {
			l.await("a message to arrive", time.Millisecond, func() bool { return l.underWay() < window*9/10 })
		}
		l.send()
	}
	took, n := time.Since(start), float64(l.done()-done)
	cpu, own = cpuOf(b, pid)-cpu, ownCPU(b)-own
	memoryOf(b, pid).tell(b)
	l.finish()
	b.ReportMetric(float64(own.Microseconds())/n, "µs-sims-cpu/message")
	report(b, l.machine, "20s",
		figure{name: l.name() + ", throughput", value: n / took.Seconds(), unit: "messages/s", target: 3000, atLeast: true},
		figure{name: l.name() + ", CPU of the bridge", value: float64(cpu.Microseconds()) / n, unit: "µs-cpu/message", target: 350})
}

// begin starts a bridge and opens the conversations.
func (l *load) begin(b *testing.B, threads int) {
	b.Helper()
	l.benchWorld = newBenchWorld(b)
	l.startBridge(l.dir, l.centre.URL())
	l.awaitReady()
	l.openThreads(threads)
	l.skip = len(l.centre.Log())
	l.rebase()
}

// rebase takes what was called so far as done.
func (l *load) rebase() {
	l.calls, l.posts = l.centre.Calls()["send:CHAT"]-l.sentUp, l.slack.Stats().Calls-l.sentDown
}

// done counts the messages that arrived, by the calls that carry them. check looks closer.
func (l *load) done() (n int) {
	if l.up {
		n += l.centre.Calls()["send:CHAT"] - l.calls
	}
	if l.down {
		n += l.slack.Stats().Calls - l.posts
	}
	return n
}

func (l *load) underWay() int { return l.sentUp + l.sentDown - l.done() }

// send sends one message, in turn over the threads and, if both are wanted, the directions.
func (l *load) send() {
	if l.up && (!l.down || l.sentUp <= l.sentDown) {
		t := l.threads[l.sentUp%len(l.threads)]
		if _, err := l.slack.Post(slacksim.Post{Channel: t.channel, User: t.user, ThreadTS: t.root, Text: fmt.Sprintf("up %d %s", l.sentUp, words)}); err != nil {
			l.b.Fatal(err)
		}
		l.sentUp++
		return
	}
	l.said = append(l.said, time.Now())
	if _, err := l.centre.Desk().Say(l.threads[l.sentDown%len(l.threads)].visitor, fmt.Sprintf("down %d %s", l.sentDown, words)); err != nil {
		l.b.Fatal(err)
	}
	l.sentDown++
}

// finish waits until everything has arrived and checks it.
func (l *load) finish() {
	l.b.Helper()
	l.await("the last message", time.Millisecond, func() bool { return l.underWay() <= 0 })
	l.rest(time.Second)
	l.check()
}

// check fails the benchmark unless everything arrived once, in order, and where it belongs.
func (l *load) check() {
	l.b.Helper()
	ups := make([][]int, len(l.threads))
	index := map[string]int{}
	for i, t := range l.threads {
		index[t.visitor], index[t.root] = i, i
	}
	for _, e := range l.centre.Log()[l.skip:] {
		if n, ok := numbered("up", e.Content); ok && e.Op == "send:CHAT" {
			ups[index[e.Visitor]] = append(ups[index[e.Visitor]], n)
		}
	}
	downs := make([][]int, len(l.threads))
	for c := range benchChannels {
		for _, m := range l.slack.All(benchChannel(c)) {
			if n, ok := numbered("down", m.Text); ok {
				downs[index[m.ThreadTS]] = append(downs[index[m.ThreadTS]], n)
			}
		}
	}
	l.inOrder("up", ups, l.sentUp)
	l.inOrder("down", downs, l.sentDown)
}

func (l *load) inOrder(direction string, got [][]int, sent int) {
	l.b.Helper()
	for i, list := range got {
		want := i
		for _, n := range list {
			if n != want {
				l.b.Errorf("%s: thread %d got message %d, want %d", direction, i, n, want)
				break
			}
			want += len(l.threads)
		}
		if want < sent {
			l.b.Errorf("%s: thread %d did not get message %d", direction, i, want)
		}
	}
}

// numbered reads the number of a message of the load.
func numbered(direction, text string) (n int, ok bool) {
	if !strings.HasPrefix(text, direction+" ") {
		return 0, false
	}
	_, err := fmt.Sscanf(text[len(direction):], "%d", &n)
	return n, err == nil
}
