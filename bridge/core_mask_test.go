package bridge_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/bridgetest"
	"ccbridge/bridge/mask"
	"ccbridge/ccm"
)

const (
	cardNumber = "4111111111111111"
	address    = "grace@example.com"
)

// masks has acme's route mask card numbers and addresses before the centre, the ledger, or both. The robot answers with an
// address.
func (r *rig) masks(centre, ledger bool) {
	m := mask.New([]string{mask.Card, mask.Email}, []string{"ada"})
	if route := &r.config.Routes[0]; centre {
		route.MaskCentre = m
	}
	if ledger {
		r.config.Routes[0].MaskLedger = m
	}
	r.config.Routes[0].Speakers = bridge.SpeakersEveryone
	r.centre.Change(func(c *bridgetest.Centre) {
		c.Answer = func(string) []string { return []string{"write to " + address} }
	})
}

// ledgerOf is all that the console tells was said.
func (r *rig) ledgerOf(t bridge.ThreadKey) (lines []string) {
	r.Helper()
	err := r.Console().Transcript(r.Context(), bridge.Span{Thread: t.ID()}, func(e bridge.Entry) error {
		if e.Who != "bridge" {
			lines = append(lines, e.Who+" "+e.Name+": "+e.Text+strings.Join(e.Files, ","))
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	return lines
}

// onDisk reports whether text stands anywhere in the store's files.
func (r *rig) onDisk(text string) bool {
	for _, suffix := range []string{"", "-wal"} {
		if raw, err := os.ReadFile(r.path + suffix); err == nil && bytes.Contains(raw, []byte(text)) {
			return true
		}
	}
	return false
}

// conversation has ada write a card number, correct it, and bob add a file; the agent gives an address.
func (r *rig) conversation() bridge.ThreadKey {
	r.Helper()
	ada := r.acme.Open(channel, "ada", "it is "+cardNumber+".")
	r.within(10*time.Second, "the robot answers", func() bool { return len(r.acme.Shown(ada, bridge.MessageRobot)) == 1 })
	ev := r.acme.Written()
	ev.ID, ev.Text = "edit", &bridge.Text{Author: ev.Text.Author, Message: ev.Text.Message, Body: "no, " + cardNumber + "!", Edited: true}
	ev.Order += "e"
	r.put(ev)
	r.acme.Say(ada, "bob", "me too: "+address)
	r.pass(100 * time.Millisecond)
	ev = r.acme.Written()
	ev.ID, ev.Order = "file", ev.Order+"f"
	ev.Text = &bridge.Text{Author: ev.Text.Author, Message: "m-file", Files: []string{cardNumber + ".pdf"}}
	r.put(ev)
	r.within(20*time.Second, "all is passed on", func() bool { return len(r.acme.Shown(ada, bridge.MessageRobot)) == 4 })
	r.pass(20 * time.Second) // and every notice is shown
	return ada
}

func (r *rig) put(ev bridge.Event) {
	r.Helper()
	if err := r.acme.Put(r.Context(), ev); err != nil {
		r.Fatal(err)
	}
	r.pass(100 * time.Millisecond)
}

// texts are those that the centre got, whatever it was told the person is called.
func (r *rig) texts(name string) []string { return r.centre.Texts(name) }

var (
	clearTexts  = []string{"it is " + cardNumber + ".", "[Correction] no, " + cardNumber + "!", "bob: me too: " + address, "[The customer sent a file: " + cardNumber + ".pdf. It was not carried over.]"}
	maskedTexts = []string{"it is [card].", "[Correction] no, [card]!", "bob: me too: [email]", "[The customer sent a file: [card].pdf. It was not carried over.]"}
)

// Masked for both, nothing that people wrote is ever on disk or at the centre; what the centre says is shown as it is.
func TestMaskBoth(t *testing.T) {
	simulated(t, func(r *rig) {
		r.masks(true, true)
		r.start()
		ada := r.conversation()
		r.equal("the centre got", r.texts("[masked]"), maskedTexts)
		r.equal("the thread shows", slices.Compact(r.acme.Shown(ada, bridge.MessageRobot)), []string{"write to " + address})
		if r.onDisk(cardNumber) {
			r.Error("the number is on disk")
		}
		if all := strings.Join(r.ledgerOf(ada), "\n"); strings.Contains(all, address) || !strings.Contains(all, "write to [email]") || strings.Count(all, "[card]") < 3 {
			r.Errorf("the ledger has\n%s", all)
		}
	})
}

// Masked for the ledger, the centre gets what was written, also when the history has to tell whether it did.
func TestMaskLedger(t *testing.T) {
	simulated(t, func(r *rig) {
		r.masks(false, true)
		r.centre.Change(func(c *bridgetest.Centre) { c.WithoutIDs = true })
		r.start()
		ada := r.conversation()
		r.equal("the centre got", r.texts("ada"), clearTexts)
		lost := false
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Fault = func(call string, _ ccm.Visitor) bridgetest.Fault {
				if call == "CHAT" && !lost {
					lost = true
					return bridgetest.LostAfter
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Say(ada, "ada", "it is "+cardNumber+".") // equal to the first
		r.within(time.Minute, "it is settled", func() bool { return lost && len(r.stats().Deliveries) == 0 })
		lost = false
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Fault = func(call string, _ ccm.Visitor) bridgetest.Fault {
				if call == "CHAT" && !lost {
					lost = true
					return bridgetest.LostBefore
				}
				return bridgetest.NoFault
			}
		})
		r.acme.Say(ada, "ada", "and "+cardNumber)
		r.within(time.Minute, "it is settled", func() bool { return lost && len(r.texts("ada")) == 6 })
		r.pass(30 * time.Second)
		r.equal("the centre got", r.texts("ada"), append(slices.Clone(clearTexts), clearTexts[0], "and "+cardNumber))
		if n := r.meter.Count("repeated"); n > 0 {
			r.Errorf("%d times repeated in doubt", n)
		}
		ev := r.acme.Written()
		ev.ID, ev.Order, ev.Text = "deleted", ev.Order+"d", &bridge.Text{Author: ev.Text.Author, Message: ev.Text.Message, Deleted: true}
		r.put(ev)
		r.within(10*time.Second, "it is taken back", func() bool {
			return slices.Contains(r.texts("ada"), "[The customer deleted a message: “and [card]”]")
		})
		r.pass(10 * time.Second)
		if all := strings.Join(r.ledgerOf(ada), "\n"); strings.Contains(all, cardNumber) || strings.Contains(all, address) || strings.Contains(all, "ada") || strings.Count(all, "[card]") < 4 {
			r.Errorf("the ledger has\n%s", all)
		}
	})
}

// Masked for the centre, the ledger keeps what was written.
func TestMaskCentre(t *testing.T) {
	simulated(t, func(r *rig) {
		r.masks(true, false)
		r.start()
		ada := r.conversation()
		r.equal("the centre got", r.texts("[masked]"), maskedTexts)
		if all := strings.Join(r.ledgerOf(ada), "\n"); strings.Count(all, cardNumber) < 3 || !strings.Contains(all, "write to "+address) {
			r.Errorf("the ledger has\n%s", all)
		}
	})
}

// An answer that cannot be shown is a dead letter without what is masked; what cannot be delivered can be sent again as
// it was.
func TestMaskDeadLetters(t *testing.T) {
	simulated(t, func(r *rig) {
		r.masks(false, true)
		r.acme.Change(func(p *bridgetest.Platform) {
			p.Refuse = func(d bridge.Delivery) *bridge.SendError {
				if d.Message.Kind == bridge.MessageRobot {
					return &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, Final: true, Code: "refused"}
				}
				return nil
			}
		})
		r.start()
		ada := r.acme.Open(channel, "ada", "hello")
		r.within(10*time.Second, "the answer is given up", func() bool { return r.meter.Count("dead down") == 1 })
		r.centre.Change(func(c *bridgetest.Centre) {
			c.Refuse = func(call string, _ ccm.Visitor) *ccm.Error {
				if call == "CHAT" {
					return bridgetest.Refusal(call, "99", "no")
				}
				return nil
			}
		})
		r.acme.Say(ada, "ada", "pay with "+cardNumber)
		r.within(10*time.Second, "the text is given up", func() bool { return r.meter.Count("dead up") == 1 })
		dead, err := r.Console().Dead(r.Context(), true)
		if err != nil || len(dead) != 2 {
			r.Fatalf("%+v, %v", dead, err)
		}
		r.equal("dead letters", []string{dead[0].Texts[0], dead[1].Texts[0]}, []string{"write to [email]", "pay with [card]"})
		r.centre.Change(func(c *bridgetest.Centre) { c.Refuse = nil })
		if err := r.Console().Resend(r.Context(), dead[1].ID); err != nil {
			r.Fatal(err)
		}
		r.within(10*time.Second, "it is sent again", func() bool { return slices.Contains(r.texts("ada"), "pay with "+cardNumber) })
	})
}
