package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
)

// Item 7: after a gap of ten minutes nothing is missing, live events wait for the catch-up, and everything is worked in
// the platform's order, exactly once.
func TestCatchUp(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.acme.Say(ada, "ada", "before")
		r.pass(time.Minute)
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap 1")
		r.pass(5 * time.Minute)
		r.acme.Say(ada, "ada", "gap 2")
		bea := r.acme.Open(other, "bea", "new in the gap")
		r.acme.Say(bea, "bea", "and its answer")
		r.pass(5 * time.Minute)
		gate := make(chan struct{})
		r.acme.Change(func(p *bridgetest.Platform) { p.Gate = gate })
		r.acme.Restore()
		id := r.acme.Say(ada, "ada", "live 1")
		r.within(time.Second, "live events are stored at once", func() bool { return r.acme.Acknowledged(id) })
		r.acme.Say(ada, "ada", "live 2")
		r.pass(30 * time.Second)
		r.equal("worked during the catch-up", r.centre.Texts("ada"), []string{"hello " + secret, "before"})
		if parts, ready := r.Status(); !ready {
			r.Errorf("a later gap made it unready: %+v", parts)
		}
		r.centre.AgentSays("ada", "down goes on")
		r.pass(2 * time.Second)
		r.equal("agent", r.acme.Shown(ada, bridge.MessageAgent), []string{"Grace: down goes on"})
		close(gate)
		r.within(10*time.Second, "caught up", func() bool { return len(r.centre.Texts("ada")) == 6 && len(r.centre.Texts("bea")) == 2 })
		r.pass(time.Minute)
		r.equal("ada", r.centre.Texts("ada"), []string{"hello " + secret, "before", "gap 1", "gap 2", "live 1", "live 2"})
		r.equal("bea", r.centre.Texts("bea"), []string{"new in the gap", "and its answer"})
	})
}

// A new gap during a catch-up is caught up too: its messages are not stepped over by what was already listed.
func TestGapInCatchUp(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		gate := make(chan struct{})
		r.acme.Change(func(p *bridgetest.Platform) { p.Gate = gate })
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap 1")
		r.acme.Restore()
		r.pass(time.Second)
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap 2")
		r.acme.Restore()
		r.acme.Say(ada, "ada", "live")
		r.pass(time.Second)
		close(gate)
		r.pass(time.Minute)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "gap 1", "gap 2", "live"})
	})
}

// Down for a while: the start is a gap. A root older than the dedupe window has no second effect.
func TestCatchUpAfterRestart(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Idle = 1000 * time.Hour
		r.start()
		ada, bea := r.begins(r.acme, channel, "ada"), r.begins(r.acme, other, "bea")
		r.kill()
		<-time.After(80 * time.Hour)
		r.start()
		r.acme.Say(bea, "bea", "late")
		r.pass(time.Minute)
		r.kill()
		r.acme.Say(ada, "ada", "while down")
		cy := r.acme.Open(channel, "cy", "new while down")
		<-time.After(30 * time.Minute)
		r.start()
		r.pass(time.Minute)
		r.equal("ada", r.centre.Texts("ada"), []string{"hello " + secret, "while down"})
		r.equal("bea", r.centre.Texts("bea"), []string{"hello " + secret, "late"})
		r.equal("cy", r.centre.Texts("cy"), []string{"new while down"})
		r.equal("cy's answers", r.acme.Shown(cy, bridge.MessageRobot), []string{"re: new while down"})
	})
}

// What began longer ago than catch_up opens no session any more.
func TestCatchUpTooOld(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		r.pass(2 * time.Minute)
		r.kill()
		r.acme.Open(channel, "old", "too old")
		<-time.After(50 * time.Minute)
		r.acme.Open(channel, "young", "young enough")
		<-time.After(20 * time.Minute)
		r.start()
		r.pass(time.Minute)
		r.equal("old", r.centre.Texts("old"), nil)
		r.equal("young", r.centre.Texts("young"), []string{"young enough"})
	})
}

// The cursor of a channel stays where it is while nothing says that what came since is covered.
func TestCursor(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		cursor := func() time.Time {
			r.Helper()
			at, err := r.store.Cursor(r.Context(), "acme", channel)
			if err != nil {
				r.Fatal(err)
			}
			return at
		}
		r.pass(3 * time.Minute)
		if age := time.Since(cursor()); age > time.Minute+time.Second {
			r.Errorf("with the line up it is %s old", age)
		}
		r.acme.Drop()
		r.pass(time.Second)
		dropped := cursor()
		r.pass(20 * time.Minute)
		if !cursor().Equal(dropped) {
			r.Error("moved while the line was down")
		}
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Fault = func(call string, _ bridge.ThreadKey) bridgetest.Fault {
				if call == "catch up" {
					return bridgetest.LostBefore
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Open(channel, "ada", "in the gap")
		r.acme.Restore()
		r.pass(10 * time.Minute)
		if !cursor().Equal(dropped) {
			r.Error("moved although the catch-up failed")
		}
		r.acme.Change(func(p *bridgetest.Platform) { p.Fault = nil })
		r.within(30*time.Minute, "the catch-up is tried again", func() bool { return len(r.centre.Texts("ada")) == 1 })
		r.pass(2 * time.Minute)
		if age := time.Since(cursor()); age > 2*time.Minute {
			r.Errorf("after the catch-up it is %s old", age)
		}
	})
}

// An answer that comes before the root it answers waits for it.
func TestEarlyAnswer(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		r.acme.Drop() // deliver by hand
		ada := r.acme.Open(channel, "ada", "root")
		root := r.acme.Written()
		r.acme.Say(ada, "ada", "answer")
		answer := r.acme.Written()
		r.acme.Change(func(p *bridgetest.Platform) { p.Gate = make(chan struct{}) }) // no catch-up helps
		for _, ev := range []bridge.Event{answer, answer, root, root, answer} {
			if err := r.acme.Put(r.Context(), ev); err != nil {
				r.Fatal(err)
			}
			r.pass(2 * time.Second)
		}
		r.equal("texts", r.centre.Texts("ada"), []string{"root", "answer"})
	})
}

// Item 8: what two sockets bring at once in any order is worked in the platform's order while a catch-up holds it.
func TestTwoSockets(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		gate := make(chan struct{})
		r.acme.Change(func(p *bridgetest.Platform) { p.Gate = gate })
		r.acme.Drop()
		r.acme.Restore()
		r.pass(time.Second)
		r.acme.Drop() // delivered by hand
		want := []string{"hello " + secret}
		var events []bridge.Event
		for i := range 40 {
			text := fmt.Sprint("text ", i)
			want = append(want, text)
			r.acme.Say(ada, "ada", text)
			events = append(events, r.acme.Written())
			<-time.After(time.Millisecond)
		}
		for _, half := range [][]bridge.Event{events[20:], events[:30]} {
			go func() {
				for _, ev := range slices.Backward(half) {
					if err := r.acme.Put(r.Context(), ev); err != nil {
						r.Error(err)
					}
				}
			}()
		}
		synctest.Wait()
		r.acme.Restore()
		close(gate)
		r.within(time.Minute, "all arrive", func() bool { return len(r.centre.Texts("ada")) >= len(want) })
		r.pass(time.Minute)
		r.equal("texts", r.centre.Texts("ada"), want)
	})
}

// The first catch-up decides about readiness: a hanging one keeps it back, a failing one does not.
func TestReady(t *testing.T) {
	simulated(t, func(r *rig) {
		gate := make(chan struct{})
		r.acme.Gate = gate
		r.beta.Drop()
		r.start()
		r.pass(time.Minute)
		if _, ready := r.Status(); ready {
			r.Error("ready although one line never came up")
		}
		r.beta.Restore()
		r.pass(time.Minute)
		if parts, ready := r.Status(); !ready && parts["acme"].State != "catching-up" {
			r.Errorf("parts %+v", parts)
		}
		close(gate)
		r.pass(time.Second)
		if parts, ready := r.Status(); !ready {
			r.Errorf("not ready: %+v", parts)
		}
	})
}

// An adapter that can never work pauses; the others go on.
func TestAdapterFails(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Adapters = map[string]bridge.Adapter{"acme": r.acme, "beta": hopeless{r.beta}}
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		if parts, _ := r.Status(); parts["beta"].State != "failed" {
			r.Errorf("beta is %+v", parts["beta"])
		}
		r.acme.Say(ada, "ada", "one")
		r.pass(5 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "one"})
	})
}

type hopeless struct{ *bridgetest.Platform }

func (hopeless) Run(context.Context, bridge.Inbox) error { return errors.New("bad token") }

// The same event again has no second effect: at once, after a restart, and when its id is long forgotten.
func TestSameEventAgain(t *testing.T) {
	simulated(t, func(r *rig) {
		r.config.Limits.Idle = 1000 * time.Hour
		r.start()
		ada := r.acme.Open(channel, "ada", "root")
		events := []bridge.Event{r.acme.Written()}
		r.pass(5 * time.Second)
		r.acme.Say(ada, "ada", "answer")
		events = append(events, r.acme.Written())
		again := func() {
			for _, ev := range events {
				if err := r.acme.Put(r.Context(), ev); err != nil {
					r.Fatal(err)
				}
			}
			r.pass(10 * time.Second)
			r.equal("texts", r.centre.Texts("ada"), []string{"root", "answer"})
		}
		again()
		r.kill()
		r.start()
		again()
		r.kill()
		<-time.After(100 * time.Hour)
		r.start()
		r.pass(3 * time.Minute)
		if _, err := r.store.Prune(r.Context(), time.Now(), time.Now()); err != nil {
			r.Fatal(err)
		}
		again()
	})
}

// A shutdown in the middle of a catch-up does not let go what it held: the next start reads first.
func TestShutdownInCatchUp(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		gate := make(chan struct{})
		r.acme.Change(func(p *bridgetest.Platform) { p.Gate = gate })
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap")
		r.acme.Restore()
		r.acme.Say(ada, "ada", "live")
		r.pass(time.Second)
		r.shutdown()
		r.equal("worked on while stopping", r.centre.Texts("ada"), []string{"hello " + secret})
		r.start()
		r.pass(time.Second)
		close(gate)
		r.pass(10 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "gap", "live"})
	})
}

// A read that fails by chance is tried again while the thread is held.
func TestCatchUpFailsOnce(t *testing.T) {
	simulated(t, func(r *rig) {
		r.start()
		ada := r.begins(r.acme, channel, "ada")
		r.pass(time.Minute)
		r.acme.Drop()
		r.acme.Say(ada, "ada", "gap")
		var tries atomic.Int32
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Fault = func(call string, t bridge.ThreadKey) bridgetest.Fault {
				if call == "catch up" && tries.Add(1) <= 3 {
					return bridgetest.LostBefore
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Restore()
		r.acme.Say(ada, "ada", "live")
		r.pass(20 * time.Second)
		r.equal("texts", r.centre.Texts("ada"), []string{"hello " + secret, "gap", "live"})
	})
}
