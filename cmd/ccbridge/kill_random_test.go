package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ccbridge/ccm/ccmsim"
)

const (
	randomThreads = 8
	randomKills   = 200
	hurriedKills  = 40 // with history refused
)

// storm is load in both directions on several threads while the bridge is killed again and again.
type storm struct {
	*world
	roots    []string
	visitors []string
	asked    []int // texts written per thread
	said     []int // agent's texts per thread; those with an agent are odd
}

// killedAtRandom kills the bridge 200 times at random hooks under load. Nothing may be lost, doubled, out of order or
// in a wrong thread.
func killedAtRandom(t *testing.T) {
	t.Parallel()
	s := newStorm(t, echoing)
	s.rage(randomKills)
	s.settleDown(0)
	for i := range s.roots {
		session := s.centre.Session(s.visitors[i])
		got := append(slices.Clone(session.ToRobot), session.ToAgent...)
		if want := allTexts("up", i, s.asked[i]); !slices.Equal(got, want) {
			t.Errorf("thread %d: the centre got %q, want %q", i, got, want)
		}
		if got, want := s.shown(i, "down"), allTexts("down", i, s.said[i]); !slices.Equal(got, want) {
			t.Errorf("thread %d: it shows the agent's %q, want %q", i, got, want)
		}
		if i%2 == 0 {
			if got, want := s.shown(i, "up"), allTexts("up", i, s.asked[i]); !slices.Equal(got, want) {
				t.Errorf("thread %d: it shows the echoes %q, want %q", i, got, want)
			}
		}
	}
	if n := len(s.slack.Messages(helpChannel)); n != randomThreads {
		t.Errorf("%d messages in the channel, want the %d roots", n, randomThreads)
	}
	s.clean()
}

// killedWithoutHistory is the same where the centre refuses its history: what is doubled is marked as repeated in the
// ledger, and what is lost was counted.
func killedWithoutHistory(t *testing.T) {
	t.Parallel()
	s := newStorm(t, echoing, func(c *worldConfig) { c.centre.HistoryRefused = true })
	s.rage(hurriedKills)
	losses := strings.Count(s.log.String(), "an answer of the centre may be lost")
	s.settleDown(losses)
	repeats := s.repeats()
	doubled, lost := 0, 0
	for i := range s.roots {
		session := s.centre.Session(s.visitors[i])
		got := append(slices.Clone(session.ToRobot), session.ToAgent...)
		if want := allTexts("up", i, s.asked[i]); !slices.Equal(slices.Compact(slices.Clone(got)), want) {
			t.Errorf("thread %d: the centre got %q, want %q, equal ones beside each other allowed", i, got, want)
		}
		doubled += len(got) - s.asked[i]
		down := s.shown(i, "down")
		if !slices.IsSortedFunc(down, byNumber) || len(slices.Compact(slices.Clone(down))) != len(down) {
			t.Errorf("thread %d: it shows the agent's %q", i, down)
		}
		lost += s.said[i] - len(down)
	}
	t.Logf("%d doubled, %d marked as repeated; %d of the agent's lost, %d possible losses counted", doubled, repeats, lost, losses)
	if doubled > repeats {
		t.Errorf("%d texts doubled, but only %d repeats are marked in the ledger", doubled, repeats)
	}
	if lost > losses {
		t.Errorf("%d answers lost, but only %d possible losses counted", lost, losses)
	}
	s.clean()
}

func newStorm(t *testing.T, opts ...option) *storm {
	s := &storm{world: newWorld(t, append(opts, func(c *worldConfig) {
		c.centre.AutoAccept = "Grace"
		// A call that a busy machine makes later than its deadline, and the looks after it, would rightly be repeated.
		c.limits = "look_gap = \"100ms\"\ncall_timeout = \"1500ms\"\nopen_per_customer = 100\nheld = 1000\n"
	})...), asked: make([]int, randomThreads), said: make([]int, randomThreads)}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	t.Cleanup(cancel)
	s.ctx = ctx
	return s
}

// rage opens the threads, then kills and writes at the same time.
func (s *storm) rage(kills int) {
	first := s.spawn(0)
	s.logged("caught up\" adapter=acme")
	for i := range randomThreads {
		root := s.ask(ada, "", stormText("up", i, 0))
		s.roots = append(s.roots, root)
		s.asked[i] = 1
		s.atCentre("a session", func(v ccmsim.View) bool { return len(v.Sessions()) == i+1 })
		if i%2 == 1 {
			s.ask(ada, root, "<@U0BRIDGE> agent")
		}
	}
	s.visitors = make([]string, randomThreads)
	s.atCentre("every first text and agent", func(v ccmsim.View) bool {
		n := 0
		for _, one := range v.Sessions() {
			for i := range s.roots {
				if slices.Contains(one.ToRobot, stormText("up", i, 0)) || slices.Contains(one.ToAgent, stormText("up", i, 0)) {
					s.visitors[i] = one.Visitor
					if i%2 == 0 || one.State == ccmsim.StateAgent {
						n++
					}
				}
			}
		}
		return n == randomThreads
	})
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { s.load(stop) })
	seed := uint64(time.Now().UnixNano())
	s.t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	c := first
	for range kills {
		c.kill()
		c = s.spawn(1 + dice.IntN(150))
		select {
		case <-c.done:
		case <-time.After(time.Duration(dice.IntN(800)) * time.Millisecond): // it is killed while nothing moves
		}
	}
	close(stop)
	group.Wait()
	c.kill()
	s.spawn(0)
}

// load writes to all threads, both ways, at some messages a second until stop.
func (s *storm) load(stop <-chan struct{}) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		i := n % randomThreads
		if n/randomThreads%2 == 0 || i%2 == 0 {
			s.ask(ada, s.roots[i], stormText("up", i, s.asked[i]))
			s.asked[i]++
			continue
		}
		say(s.t, s.world, s.visitors[i], stormText("down", i, s.said[i]))
		s.said[i]++
	}
}

// settleDown waits until all that was written has arrived, but for so many answers that may be lost.
func (s *storm) settleDown(mayLack int) {
	ctx, cancel := context.WithTimeout(s.ctx, 3*time.Minute)
	defer cancel()
	lacking := func() string {
		var out strings.Builder
		lack := 0
		for i := range s.roots {
			session := s.centre.Session(s.visitors[i])
			up := append(session.ToRobot, session.ToAgent...)
			if len(up) == 0 || up[len(up)-1] != stormText("up", i, s.asked[i]-1) {
				fmt.Fprintf(&out, "thread %d: %d of %d texts at the centre; ", i, len(up), s.asked[i])
			}
			lack += s.said[i] - len(s.shown(i, "down"))
			if i%2 == 0 {
				lack += s.asked[i] - len(s.shown(i, "up"))
			}
		}
		if lack > mayLack {
			fmt.Fprintf(&out, "%d answers lack", lack)
		}
		return out.String()
	}
	for tick := time.NewTicker(100 * time.Millisecond); lacking() != ""; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatal(lacking())
		}
	}
}

// shown lists what the bridge posted of one kind in a thread.
func (s *storm) shown(i int, kind string) []string {
	var list []string
	for _, m := range s.slack.Thread(helpChannel, s.roots[i]) {
		if m.User != ada && strings.HasPrefix(m.Plain(), kind+"-") {
			list = append(list, m.Plain())
		}
	}
	return list
}

// repeats counts what the ledger marks as repeated in doubt.
func (s *storm) repeats() (n int) {
	db := s.database()
	defer db.Close()
	if err := db.QueryRow("SELECT COALESCE(SUM(repeats), 0) FROM ledger").Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func stormText(kind string, thread, n int) string { return fmt.Sprintf("%s-%d-%d", kind, thread, n) }

func allTexts(kind string, thread, n int) []string {
	var list []string
	for i := range n {
		list = append(list, stormText(kind, thread, i))
	}
	return list
}

func byNumber(a, b string) int {
	number := func(s string) int {
		n, _ := strconv.Atoi(s[strings.LastIndexByte(s, '-')+1:])
		return n
	}
	return number(a) - number(b)
}
