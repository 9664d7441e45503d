package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
	"ccbridge/ccm/ccmsim"
)

// operate runs a command of the operator's as the program does, and gives its exit code and what it said.
func (w *world) operate(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	w.load()
	var out, errs bytes.Buffer
	args = append(args, "-config", filepath.Join(w.dir, "config.toml"))
	code = exitCode(run(w.ctx, args, strings.NewReader(""), &out, &errs), &errs)
	return code, out.String(), errs.String()
}

// asks runs a command that succeeds, with -json, and decodes its answer.
func (w *world) asks(into any, args ...string) {
	w.t.Helper()
	code, out, errs := w.operate(append(args, "-json")...)
	if code != 0 {
		w.t.Fatalf("ccbridge %s: exit code %d, %s", args, code, errs)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		w.t.Fatalf("ccbridge %s: %v in %s", args, err, out)
	}
}

// permalink is what Slack copies from a message's menu.
func permalink(root, ts string) string {
	link := "https://acme.slack.com/archives/" + helpChannel + "/p" + strings.ReplaceAll(ts, ".", "")
	if root != ts {
		link += "?thread_ts=" + root + "&cid=" + helpChannel
	}
	return link
}

// steps counts the steps of one trace.
func (w *world) steps(name string) map[string]int {
	w.t.Helper()
	var traces []bridge.Trace
	w.asks(&traces, "trace", name)
	if len(traces) != 1 {
		w.t.Fatalf("%d traces of %s", len(traces), name)
	}
	n := map[string]int{}
	for _, s := range traces[0].Steps {
		n[s.What]++
	}
	return n
}

// TestOperate looks at a conversation and acts on it, while the bridge runs and while it does not.
func TestOperate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo)
	w.centre.Fail("send:CONNECT", 1, ccmsim.Fault{Code: "13", Desc: "No ccucs address available!"})
	w.run()
	k := &talk{world: w, root: w.ask(ada, "", "one")}
	k.reads("The contact centre cannot take your conversation at the moment. " + lineNotPassed)

	// A dead letter: listed, traced, sent again while the bridge runs, and only once.
	if n := w.steps(permalink(k.root, k.root)); n["written"] != 1 || n["stored"] != 1 || n["stepped"] != 1 || n["dead"] != 1 {
		t.Errorf("traced: %v", n)
	}
	var dead []bridge.DeadView
	w.asks(&dead, "dead", "list", "-texts")
	if len(dead) != 1 || dead[0].Direction != bridge.Up || fmt.Sprint(dead[0].Texts) != "[one]" {
		t.Fatalf("dead letters: %+v", dead)
	}
	if code, out, errs := w.operate("sessions", "show", dead[0].Thread.String()); code != 0 || !strings.Contains(out, string(dead[0].Thread.ID())) {
		t.Errorf("by its place, as logs name it: %d %s %s", code, out, errs)
	}
	if code, out, errs := w.operate("dead", "resend", string(dead[0].ID)); code != 0 || strings.Contains(out, "does not run") {
		t.Fatalf("resend: %d %s %s", code, out, errs)
	}
	k.visitor = w.visitorOf("one")
	k.readsTimes("one", 1) // its echo
	if code, _, errs := w.operate("dead", "resend", string(dead[0].ID)); code != 1 || !strings.Contains(errs, "there is no dead letter "+string(dead[0].ID)) {
		t.Errorf("sent again twice: %d %s", code, errs)
	}
	w.told(w.click(ada, k.root, "ccb:resend"), "This message was sent again already, or is too old.")
	if n := w.steps(k.root); n["begun"] < 2 || n["settled"] < 2 {
		t.Errorf("traced after it was sent again: %v", n)
	}

	// An answer that cannot be shown: listed, and sent again from the stopped bridge.
	w.slack.Inject(slacksim.Fault{Method: "chat.postMessage", Body: `{"ok":false,"error":"msg_too_long"}`})
	two := k.say("two")
	w.logged("an answer could not be shown")
	dead = nil
	w.asks(&dead, "dead", "-direction", "down")
	if len(dead) != 1 || dead[0].Texts != nil {
		t.Fatalf("dead letters down: %+v", dead)
	}
	if n := w.steps(permalink(k.root, two)); n["written"] != 1 || n["begun"] != 1 || n["settled"] != 1 {
		t.Errorf("traced: %v", n)
	}
	w.stop()
	if code, out, errs := w.operate("dead", "resend", "-all"); code != 0 || !strings.Contains(out, "sent again: 1.") || !strings.Contains(out, "after its next start") {
		t.Fatalf("resend while stopped: %d %s %s", code, out, errs)
	}
	w.asks(&dead, "dead")
	if len(dead) != 0 {
		t.Errorf("still dead: %+v", dead)
	}
	if n := w.steps(permalink(k.root, two)); n["settled"] != 1 {
		t.Errorf("traced while stopped: %v", n)
	}
	w.run()
	k.readsTimes("two", 1)

	// The session is shown, its transcript exported, and it ends.
	var list []bridge.SessionView
	w.asks(&list, "sessions")
	if len(list) != 1 || list[0].State != bridge.StateRobot || list[0].Customer.ID != ada {
		t.Fatalf("sessions: %+v", list)
	}
	file := filepath.Join(w.dir, "out.jsonl")
	if code, out, errs := w.operate("export", "-thread", permalink(k.root, k.root), "-format", "jsonl", "-o", file); code != 0 || out != "" {
		t.Fatalf("export: %d %s %s", code, out, errs)
	}
	text, err := os.ReadFile(file)
	must(t, err)
	info, err := os.Stat(file)
	must(t, err)
	if info.Mode().Perm() != 0o600 || strings.Count(string(text), `"text":"two"`) != 3 || strings.Count(string(text), `"who":"customer","name":"Ada"`) != 3 {
		t.Errorf("exported with mode %v:\n%s", info.Mode(), text)
	}
	w.stop()
	if code, out, errs := w.operate("sessions", "end", string(list[0].ID)); code != 0 || !strings.Contains(out, "after its next start") {
		t.Fatalf("end: %d %s %s", code, out, errs)
	}
	w.run()
	k.over()
	k.reads("This conversation has ended.")
	if code, _, errs := w.operate("sessions", "end", permalink(k.root, k.root)); code != 1 || !strings.Contains(errs, "no open session") {
		t.Errorf("ended again: %d %s", code, errs)
	}
	k.robotHas("one", "two")
	w.clean()
}

// TestEraseUnderLoad erases one customer while another writes, in a bridge that is killed meanwhile: nothing is left of the
// one, nothing lost of the other.
func TestEraseUnderLoad(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %t", killed), func(t *testing.T) {
			t.Parallel()
			eraseUnderLoad(t, killed)
		})
	}
}

func eraseUnderLoad(t *testing.T, killed bool) {
	w := newWorld(t, echoing)
	c := w.spawn(0)
	w.logged("caught up\" adapter=acme")
	hers, his := w.ask(ada, "", "needle one"), w.ask(bob, "", "bob-0")
	w.counts(hers, map[string]int{"needle one": 2})
	w.counts(his, map[string]int{"bob-0": 2})
	visitor := w.visitorOf("needle one")
	w.ask(ada, hers, "needle two")
	w.counts(hers, map[string]int{"needle two": 2})

	ctx, stop := context.WithCancel(w.ctx)
	var load sync.WaitGroup
	wrote := 1
	load.Go(func() {
		for tick := time.NewTicker(20 * time.Millisecond); ctx.Err() == nil; wrote++ {
			w.ask(bob, his, fmt.Sprint("bob-", wrote))
			<-tick.C
		}
	})
	if killed {
		load.Go(func() { w.operate("erase", ada, "-yes") }) // it is cut short, or not
		w.logged(`msg="words were erased"`)
		c.kill()
		c = w.spawn(0)
		w.loggedAgain("caught up\" adapter=acme", 1)
	}
	code, out, errs := w.operate("erase", ada, "-yes")
	again := killed && code == 1 && strings.Contains(errs, "nothing of U0ADA") // the first one was through
	if code != 0 && !again || code == 0 && !killed && !strings.Contains(out, "open and end: 1") {
		t.Errorf("erase: %d %s %s", code, out, errs)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(filepath.Join(w.dir, "bridge.db"+suffix))
		must(t, err)
		if n := bytes.Count(b, []byte("needle")) + bytes.Count(b, []byte(`"Ada"`)); n > 0 {
			t.Errorf("bridge.db%s: %d times something of hers is left", suffix, n)
		}
	}
	w.atCentre("the end of her session", func(v ccmsim.View) bool { return v.Session(visitor).State == ccmsim.StateEnded })
	stop()
	load.Wait()
	w.counts(his, map[string]int{fmt.Sprint("bob-", wrote-1): 2})
	seen := map[string]int{}
	for _, text := range w.texts(his) {
		seen[text]++
	}
	for n := range wrote {
		if got := seen[fmt.Sprint("bob-", n)]; got != 2 {
			t.Errorf("bob-%d stands %d times in his thread, want his and the echo", n, got)
		}
	}
	if got := w.texts(hers); strings.Count(fmt.Sprint(got), "needle") != 4 {
		t.Errorf("her thread shows %q", got)
	}
	c.end()
	w.clean()
}
