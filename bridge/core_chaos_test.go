package bridge_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/ccm"
)

var (
	chaosFrom  = flag.Uint64("chaos.from", 1, "the first seed of TestChaos")
	chaosSeeds = flag.Uint64("chaos.seeds", 3, "how many seeds TestChaos plays")
)

// TestChaos has everything fail at once, by a seed: calls lost before and after the deed, calls that are never answered,
// lines that drop, a store that fails, a process that is killed before and after any call and commit. At the end every
// text that was written and every answer has arrived, in order, once, and nothing is left to do.
func TestChaos(t *testing.T) {
	for seed := *chaosFrom; seed < *chaosFrom+*chaosSeeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			simulated(t, func(r *rig) { newChaos(r, seed).play() })
		})
	}
}

type chaos struct {
	*rig
	dice   *bridgetest.Dice
	calm   atomic.Bool
	killed atomic.Bool
	talks  []*talk
	lag    time.Duration
}

// talk is one conversation and what must come of it.
type talk struct {
	who      string
	platform *bridgetest.Platform
	thread   bridge.ThreadKey
	agent    bool // an agent has it; else the robot
	said     []string
	answers  []string
}

func newChaos(r *rig, seed uint64) *chaos {
	c := &chaos{rig: r, dice: bridgetest.NewDice(seed)}
	r.centre.WithoutIDs = seed%2 == 0
	if seed%3 == 0 {
		c.lag = 3 * time.Second
	}
	r.centre.HistoryLag, r.centre.Latency = c.lag, 50*time.Millisecond
	r.centre.Fault = func(call string, _ ccm.Visitor) bridgetest.Fault {
		if call == bridgetest.CallHistory { // three in a row that fail are a counted loss, not a defect
			return c.fault(0.03, bridgetest.LostBefore)
		}
		return c.fault(0.1, bridgetest.Unreached, bridgetest.LostBefore, bridgetest.LostAfter, bridgetest.Hang, bridgetest.HangAfter)
	}
	for _, p := range []*bridgetest.Platform{r.acme, r.beta} {
		p.Gap = 200 * time.Millisecond
		p.Fault = func(call string, _ bridge.ThreadKey) bridgetest.Fault {
			return c.fault(0.1, bridgetest.Unreached, bridgetest.LostBefore, bridgetest.LostAfter, bridgetest.Hang, bridgetest.HangAfter)
		}
	}
	r.config.ShutdownTimeout = 2 * time.Second
	r.config.Hook = func(string) {
		if !c.calm.Load() && c.dice.Chance(0.01) {
			r.frail.Kill()
			c.killed.Store(true)
		}
	}
	return c
}

func (c *chaos) fault(p float64, faults ...bridgetest.Fault) bridgetest.Fault {
	if c.calm.Load() {
		return bridgetest.NoFault
	}
	return c.dice.Fault(p, faults...)
}

func (c *chaos) play() {
	c.start()
	for i, who := range []string{"ada", "bea", "cy", "dot"} {
		p := c.acme
		if i == 3 {
			p = c.beta
		}
		c.talks = append(c.talks, &talk{who: who, platform: p, thread: p.Open([]string{channel, channel, other, channel}[i], who, who), said: []string{who}, answers: []string{"re: " + who}})
	}
	for n := range 80 {
		c.step(n)
		c.pass(time.Duration(c.dice.Below(3000)) * time.Millisecond)
		if c.killed.Swap(false) {
			c.kill()
			c.pass(time.Duration(c.dice.Below(3)) * time.Second)
			c.start()
		}
	}
	c.calm.Store(true)
	if c.killed.Swap(false) {
		c.kill()
		c.start()
	}
	c.frail.FailIf(nil)
	for _, p := range []*bridgetest.Platform{c.acme, c.beta} {
		p.Restore()
	}
	c.within(10*time.Minute, "nothing is left to do", c.done)
	c.pass(time.Minute)
	c.verify()
}

// step does one thing at random.
func (c *chaos) step(n int) {
	t := c.talks[c.dice.Below(len(c.talks))]
	switch c.dice.Below(20) {
	case 0:
		t.platform.Drop()
	case 1, 2:
		c.acme.Restore()
		c.beta.Restore()
	case 3:
		c.frail.FailIf(func(string) bool { return c.dice.Chance(0.3) })
	case 4, 5:
		c.frail.FailIf(nil)
	case 6:
		c.shutdown()
		c.start()
	default:
		text := fmt.Sprint(t.who, n/5*5) // some are equal
		switch {
		case t.agent && c.dice.Chance(0.5):
			c.centre.AgentSays(t.who, text)
			t.answers = append(t.answers, "Grace: "+text)
		case !t.agent && n > 40 && len(t.said) > 3 && slices.Equal(c.centre.Texts(t.who), t.said):
			t.agent = true
			c.centre.AgentSays(t.who, "I take over")
			t.answers = append(t.answers, "Grace: I take over")
		default:
			t.platform.Say(t.thread, t.who, text)
			t.said = append(t.said, text)
			if !t.agent {
				t.answers = append(t.answers, "re: "+text)
			}
		}
	}
}

func (c *chaos) shown(t *talk) []string {
	var shown []string
	for _, post := range t.platform.Posts(t.thread) {
		if post.Kind == bridge.MessageRobot || post.Kind == bridge.MessageAgent {
			shown = append(shown, strings.TrimPrefix(post.Text, "Robo: ")) // marked since the agent took over
		}
	}
	return shown
}

func (c *chaos) done() bool {
	for _, t := range c.talks {
		if len(c.centre.Texts(t.who)) < len(t.said) || len(c.shown(t)) < len(t.answers) {
			return false
		}
	}
	return true
}

func (c *chaos) verify() {
	for _, t := range c.talks {
		c.equal(t.who+" at the centre", c.centre.Texts(t.who), t.said)
		if c.lag > 0 { // what history shows late may stand behind what came since
			c.equal(t.who+" is shown, in any order", sorted(c.shown(t)), sorted(t.answers))
		} else {
			c.equal(t.who+" is shown", c.shown(t), t.answers)
		}
	}
	counts := c.meter.Counts()
	if n := counts["repeated"] + counts["dead up"] + counts["dead down"]; n != 0 {
		c.Errorf("%d repeats and dead letters: %v", n, counts)
	}
	if s := c.stats(); s.Queue != 0 || s.InDoubt != 0 || len(s.Deliveries) != 0 {
		c.Errorf("left behind: %+v", s)
	}
}

func sorted(texts []string) []string { return slices.Sorted(slices.Values(texts)) }
