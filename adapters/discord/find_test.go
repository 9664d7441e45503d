package discord

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

func TestFindPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{NoLimits: true}, false)
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	key := w.key(w.forum, post)
	d := delivery("a", key, w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "*words* <@1>"}))
	if _, c, err := w.adapter.Find(t.Context(), d, time.Now()); c != bridge.NotDone || err != nil {
		t.Errorf("within the nonce's window a repeat is harmless: %s, %v", c, err)
	}
	before := time.Now().Add(-5 * time.Minute)
	if _, c, err := w.adapter.Find(t.Context(), d, before); c != bridge.NotDone || err != nil {
		t.Errorf("not sent: %s, %v", c, err)
	}
	for i := range 150 {
		w.post(post, w.ann, fmt.Sprintf("noise %d", i))
	}
	id, err := w.adapter.Send(t.Context(), d)
	w.ok(err)
	// Another process looks: it knows no nonce.
	if got, c, err := w.another().Find(t.Context(), d, before); got != id || c != bridge.Done || err != nil {
		t.Errorf("sent: %s %s, %v", got, c, err)
	}
	// The same words of another delivery are not mistaken for this one's where the nonce is known.
	twin := delivery("b", key, *d.Post)
	if _, c, err := w.adapter.Find(t.Context(), twin, before); c != bridge.NotDone || err != nil {
		t.Errorf("twin: %s, %v", c, err)
	}
	// Nor, where it is not, if they stand before what was settled last.
	twin.Last = id
	w.post(post, w.ann, "after it")
	if _, c, err := w.another().Find(t.Context(), twin, before); c != bridge.NotDone || err != nil {
		t.Errorf("twin after a restart: %s, %v", c, err)
	}
}

func TestFindWithoutHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	post := w.id(w.sim.ForumPost(w.forum, w.ann, "t", "x"))
	w.ok(w.sim.SetPermissions(w.forum, discordsim.DefaultPermissions&^discordsim.ReadHistory))
	d := delivery("a", w.key(w.forum, post), w.rendered(bridge.Message{Kind: bridge.MessageRobot, Text: "words"}))
	_, c, err := w.adapter.Find(t.Context(), d, time.Now().Add(-5*time.Minute))
	if c != bridge.InDoubt || !errors.Is(err, errHistory) {
		t.Errorf("%s, %v", c, err)
	}
}

func TestFindThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t, discordsim.Config{}, false)
	root := w.post(w.help, w.ann, "hello")
	d := delivery("m", w.key(w.help, root), w.rendered(bridge.Message{Kind: bridge.MessageMake, Origin: bridge.RemoteID(root)}))
	if _, c, err := w.adapter.Find(t.Context(), d, time.Now()); c != bridge.NotDone || err != nil {
		t.Errorf("not made: %s, %v", c, err)
	}
	w.sim.Fail(discordsim.Fault{Route: "POST /channels/{channel}/messages/{message}/threads", Deed: true, Drop: true})
	_, err := w.adapter.Send(t.Context(), d)
	if e := failure(t, err); e.Certainty != bridge.InDoubt {
		t.Errorf("%+v", *e)
	}
	if id, c, err := w.adapter.Find(t.Context(), d, time.Now()); string(id) != root || c != bridge.Done || err != nil {
		t.Errorf("made: %s %s, %v", id, c, err)
	}
	w.sim.Fail(discordsim.Fault{Status: 503, Body: "x"})
	if _, c, err := w.adapter.Find(t.Context(), d, time.Now()); c != bridge.InDoubt || err == nil {
		t.Errorf("outage: %s, %v", c, err)
	}
}
