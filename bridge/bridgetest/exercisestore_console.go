package bridgetest

import (
	"errors"
	"fmt"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

// consoleSessions: open sessions by the age of their state, then those that are over; details count what waits.
func (x *storeTest) consoleSessions() {
	for n := range 3 {
		k := storeKey(n)
		x.put(opening(storeText(k, fmt.Sprint("open", n), "1"))...)
		x.step(k, func(st *bridge.Step) {
			st.Session.No, st.Session.State, st.Session.Customer = 1, bridge.StateRobot, bridge.User{ID: "U1", Name: "Ada"}
			st.Session.Since = storeBegin.Add(-time.Duration(n) * time.Minute)
			if n == 0 {
				st.Session.State, st.Session.EndedBy = bridge.StateEnded, bridge.EndedByCentre
			}
			if n == 2 {
				st.Session.Held = []bridge.Held{{Kind: bridge.HeldText, Text: "waits"}}
				st.Session.Timers = map[bridge.TimerKind]time.Time{bridge.TimerIdle: storeBegin}
				st.Deliveries = []bridge.Delivery{storeChat(k, "d1", "words", 1), storePost(k, "d2")}
			}
		})
	}
	x.put(bridge.Incoming{Event: storeText(storeKey(2), "more", "2"), Dedupe: true})
	list := func(all bool) (roots []string) {
		views, err := x.s.Sessions(x.Context(), all)
		x.must(err)
		for _, v := range views {
			roots = append(roots, fmt.Sprint(v.Thread.Root, " ", v.State, " ", v.Waiting, " ", v.Customer.Name))
		}
		return roots
	}
	x.equal("open", list(false), []string{"root-2 robot 3 Ada", "root-1 robot 0 Ada"})
	x.equal("all", list(true), []string{"root-2 robot 3 Ada", "root-1 robot 0 Ada", "root-0 ended 0 Ada"})
	d, err := x.s.Session(x.Context(), storeKey(2).ID())
	x.must(err)
	x.equal("detail", []any{d.Events, d.Held, d.Timers[bridge.TimerIdle], len(d.Outgoing), d.Outgoing[0].Kind, d.Outgoing[1].To, d.Oldest},
		[]any{1, 1, storeBegin, 2, bridge.CallChat, bridge.ToThread, storeBegin})
	if _, err := x.s.Session(x.Context(), "nobody"); !errors.Is(err, bridge.ErrNoThread) {
		x.Fatalf("a thread that is not there: %v", err)
	}
	found, err := x.s.Find(x.Context(), bridge.Link{Channel: storeKey(1).Channel, ID: "root-1"})
	x.must(err)
	x.equal("found", len(found) == 1 && found[0].Key == storeKey(1), true)
}

// consoleDead: dead letters are listed, found with what their session has of them, and taken off the list.
func (x *storeTest) consoleDead() {
	k := storeKey(1)
	x.put(opening(storeText(k, "1", "1"))...)
	up := bridge.DeadLetter{Ref: "ref", Thread: k, Session: 1, Direction: bridge.Up, Texts: []string{"one", "two"}, Agents: 1,
		Causes: []string{"m1"}, Reason: "gone", At: storeBegin}
	down := bridge.DeadLetter{Thread: k, Session: 1, Direction: bridge.Down, Texts: []string{"three"}, Kind: bridge.MessageAgent,
		Speaker: "Grace", Reason: "not-shown", At: storeBegin.Add(time.Second)}
	x.step(k, func(st *bridge.Step) {
		st.Session.No, st.Session.Letters = 1, []bridge.Letter{{Ref: "ref", Texts: up.Texts}}
		st.Dead = []bridge.DeadLetter{up, down}
	})
	dead, err := x.s.Dead(x.Context(), false)
	x.must(err)
	x.equal("listed", []any{len(dead), dead[0].Direction, dead[0].Reason, dead[0].Texts, dead[1].Direction}, []any{2, bridge.Up, "gone", []string{}, bridge.Down})
	withTexts, err := x.s.Dead(x.Context(), true)
	x.must(err)
	x.equal("texts", withTexts[0].Texts, up.Texts)
	undead := func(id bridge.DeadID, will bridge.Undeath) (d bridge.DeadLetter, inSession bool, err error) {
		_, err = x.s.Undead(x.Context(), id, func(found bridge.DeadLetter, in bool) bridge.Undeath {
			d, inSession = found, in
			return will
		})
		return d, inSession, err
	}
	d, in, err := undead(dead[0].ID, bridge.Undeath{})
	x.must(err)
	x.equal("up", []any{d, in}, []any{up, true})
	ev := storeText(k, "resend", "")
	d, in, err = undead(dead[1].ID, bridge.Undeath{Event: &ev, Unmark: true})
	x.must(err)
	x.equal("down", []any{d, in}, []any{down, false})
	x.equal("queued", x.queued(k), []string{"resend"})
	for _, id := range []bridge.DeadID{dead[1].ID, "", "1-2", "x-" + bridge.DeadID(k.ID()) + "-1-1", dead[0].ID + "0"} {
		if _, _, err := undead(id, bridge.Undeath{Unmark: true}); !errors.Is(err, bridge.ErrNoLetter) {
			x.Fatalf("%q: %v", id, err)
		}
	}
	x.step(k, func(st *bridge.Step) { st.Revived = []string{"ref"} })
	dead, err = x.s.Dead(x.Context(), false)
	x.must(err)
	x.equal("none left", len(dead), 0)
}

// consoleTranscript: what was said stands in its order, with what became of it, settled or not.
func (x *storeTest) consoleTranscript() {
	k := storeKey(1)
	x.put(opening(storeText(k, "m1", "1"))...)
	chat, post, late := storeChat(k, "d1", "text of m1", 1), storePost(k, "d2"), storePost(k, "d3")
	chat.Cause, post.Message.Speaker, late.Message.Kind, late.Message.Text = "m1", "Grace", bridge.MessageRobot, "waits"
	piece := post
	piece.ID, piece.Piece = "d4", 1
	x.step(k, func(st *bridge.Step) {
		st.Session.No, st.Session.Customer = 1, bridge.User{ID: "U1", Name: "Ada"}
		st.Deliveries = []bridge.Delivery{chat, post, piece, late}
	})
	for _, to := range []bridge.Target{bridge.ToCentre, bridge.ToThread, bridge.ToThread} {
		x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: *x.head(k, to), Remote: "remote", Outcome: bridge.Delivered, At: storeBegin.Add(time.Hour)}))
	}
	verb := bridge.Event{ID: "v", Thread: k, At: storeBegin.Add(2 * time.Hour), Verb: &bridge.Verb{Kind: bridge.VerbAgent, By: bridge.User{ID: "U2"}}}
	x.put(bridge.Incoming{Event: verb}, bridge.Incoming{Event: bridge.Event{ID: "down", Thread: k, Downlink: &ccm.Downlink{Content: "not here"}}})
	read := func(span bridge.Span) (said []string) {
		x.must(x.s.Transcript(x.Context(), span, func(e bridge.Entry) error {
			said = append(said, fmt.Sprint(e.Who, ":", e.Name, ":", e.Text, e.Verb, ":", e.Outcome))
			return nil
		}))
		return said
	}
	want := []string{"customer::text of m1:delivered", "agent:Grace:hello:delivered", "robot::waits:", "other::agent:"}
	x.equal("all", read(bridge.Span{}), want)
	x.equal("thread", read(bridge.Span{Thread: k.ID()}), want)
	x.equal("another", len(read(bridge.Span{Thread: storeKey(2).ID()})), 0)
	x.equal("span", read(bridge.Span{From: storeBegin.Add(time.Minute), To: storeBegin.Add(2 * time.Hour)}), want[1:3])
	stop := errors.New("enough")
	if err := x.s.Transcript(x.Context(), bridge.Span{}, func(bridge.Entry) error { return stop }); !errors.Is(err, stop) {
		x.Fatalf("the reader's error became %v", err)
	}
}

// consoleTrace: every step of a message is found by each of its names, both ways, settled or under way.
func (x *storeTest) consoleTrace() {
	k := storeKey(1)
	in := opening(storeText(k, "m1", "1"))
	in[0].Event.Text.Message = "remote-1"
	x.put(in...)
	x.put(bridge.Incoming{Event: bridge.Event{ID: bridge.EventID("c:visitor:" + bridge.CodeHash("code-7")), Thread: k, Received: storeBegin.Add(time.Minute),
		Downlink: &ccm.Downlink{Source: "AGENT", Content: "hello", MessageCode: "code-7", Timestamp: storeBegin.Add(59 * time.Second)}}})
	chat, post, behind := storeChat(k, "d1", "text of m1", 1), storePost(k, "d2"), storePost(k, "d3")
	chat.Cause, post.Cause, behind.Cause = "remote-1", "c:visitor:"+bridge.CodeHash("code-7"), "m1"
	x.step(k, func(st *bridge.Step) {
		st.Session.No = 1
		st.Deliveries = []bridge.Delivery{chat, post, behind}
		st.Session.Held = []bridge.Held{{Kind: bridge.HeldText, Text: "rest", Message: "remote-1", Received: storeBegin}}
		st.Dead = []bridge.DeadLetter{{Ref: "r", Thread: k, Session: 1, Direction: bridge.Up, Texts: []string{"x"}, Causes: []string{"remote-1"}, Reason: "nobody", At: storeBegin}}
	})
	d := *x.head(k, bridge.ToCentre)
	x.must(x.s.Begin(x.Context(), d, storeBegin, false))
	x.must(x.s.Settle(x.Context(), bridge.Settlement{Delivery: d, Outcome: bridge.Delivered, At: storeBegin.Add(time.Hour)}))
	what := func(l bridge.Link) string {
		traces, err := x.s.Trace(x.Context(), l)
		x.must(err)
		text := ""
		for _, t := range traces {
			x.equal("thread", t.Thread, k)
			text += string(t.Direction)
			counts := map[string]int{}
			for _, s := range t.Steps {
				counts[s.What]++
			}
			text += fmt.Sprint(counts, " ")
		}
		return text
	}
	up := "up" + fmt.Sprint(map[string]int{"begun": 1, "dead": 1, "made": 2, "settled": 1, "stepped": 1, "stored": 1, "waits": 2, "written": 1}) + " "
	down := "down" + fmt.Sprint(map[string]int{"made": 1, "stepped": 1, "stored": 1, "waits": 1, "written": 1}) + " "
	for id, want := range map[string]string{"m1": up, "remote-1": up, "d1": up, "d3": up, "code-7": down, "d2": down, "nothing": ""} {
		x.equal(id, what(bridge.Link{ID: id}), want)
	}
	x.equal("in its channel", what(bridge.Link{Channel: k.Channel, Root: k.Root, ID: "remote-1"}), up)
	x.equal("in another", what(bridge.Link{Channel: "elsewhere", ID: "remote-1"}), "")
	x.equal("nothing asked", what(bridge.Link{}), "")
}
