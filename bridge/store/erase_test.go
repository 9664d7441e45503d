package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
)

// eraseWords fills a store: ada's own threads and words of hers in bob's, and bob's words in both. Everything of ada's
// contains "needle", and in her own threads everything does.
func eraseWords(t *testing.T, s *Store) {
	t.Helper()
	for n := range 12 {
		k := benchKey(n)
		owner, other := bridge.User{ID: "U0ADA", Name: "needle Lovelace"}, bridge.User{ID: "U0BOB", Name: "Bob"}
		word := fmt.Sprintf("needle-%d", n)
		if n%3 == 2 {
			owner, other = other, owner
			word = fmt.Sprintf("of-bob-%d", n)
		}
		text := func(id string, by bridge.User, body string) bridge.Incoming {
			return bridge.Incoming{Opens: true, Dedupe: true, Event: bridge.Event{ID: bridge.EventID(fmt.Sprint(id, n)), Thread: k, Order: "1", Received: time.Now(),
				Text: &bridge.Text{Author: by, Message: bridge.RemoteID(fmt.Sprint("m", id, n)), Body: body, Files: []string{body + ".pdf"}}}}
		}
		down := bridge.Incoming{Dedupe: true, Session: 1, Heard: "AGENT:TEXT:hash-" + word, Event: bridge.Event{ID: bridge.EventID(fmt.Sprintf("h:visitor%d:hash-%s:1", n, word)), Thread: k,
			Received: time.Now(), Downlink: &ccm.Downlink{Source: "AGENT", Content: "answer " + word, Nickname: word}}}
		mustIngest(t, s, text("a", owner, word+strings.Repeat(" long "+word, n*20)))
		post := bridge.Delivery{ID: bridge.DeliveryID(fmt.Sprint("post", n)), Thread: k, To: bridge.ToThread, Session: 1, Post: &bridge.Post{Body: []byte(`{"text":"` + word + `"}`)},
			Message: &bridge.Message{Kind: bridge.MessageAgent, Text: word, Speaker: word}}
		chat := func(id, content, cause string) bridge.Delivery {
			return bridge.Delivery{ID: bridge.DeliveryID(fmt.Sprint(id, n)), Thread: k, To: bridge.ToCentre, Session: 1, Cause: cause,
				Call: &bridge.Call{Kind: bridge.CallChat, Content: content, Visitor: ccm.Visitor{UserID: "v", UserName: owner.Name}}}
		}
		theirs := "needle of the other"
		if other.ID == "U0BOB" {
			theirs = word + " of the other"
		}
		held := bridge.Held{Kind: bridge.HeldText, Text: theirs, Message: bridge.RemoteID(fmt.Sprint("mb", n)), Hash: "x"}
		stepAll(t, s, k, func(st *bridge.Step) {
			st.Session = bridge.Session{Thread: k, No: 1, State: bridge.StateAgent, Customer: owner, Version: st.Session.Version, Visitor: ccm.Visitor{UserID: "v", UserName: owner.Name}}
			st.Session.Held = []bridge.Held{held, {Kind: bridge.HeldText, Text: word, Message: bridge.RemoteID(fmt.Sprint("ma", n))}}
			st.Session.Sent = []bridge.Sent{{Message: held.Message, Head: theirs}}
			st.Session.Letters = []bridge.Letter{{Ref: "r", Texts: []string{word, theirs}, Causes: []string{fmt.Sprint("ma", n), string(held.Message)}}}
			st.Dead = []bridge.DeadLetter{{Ref: "r", Thread: k, Session: 1, Direction: bridge.Up, Texts: []string{word, theirs}, Causes: []string{fmt.Sprint("ma", n), string(held.Message)}}}
			st.Deliveries = []bridge.Delivery{post, chat("own", word, fmt.Sprint("ma", n)), chat("theirs", other.Name+": "+theirs, string(held.Message)),
				chat("legacy", other.Name+": "+theirs, "")}
		})
		mustIngest(t, s, down, text("b", other, theirs))
		if n%2 == 0 {
			stepAll(t, s, k, func(*bridge.Step) {})
		}
		if n < 6 {
			for _, to := range []bridge.Target{bridge.ToThread, bridge.ToCentre} {
				d, err := s.Head(t.Context(), k.ID(), k.Part(), to)
				if err != nil || d == nil {
					t.Fatal(err)
				}
				if err := s.Settle(t.Context(), bridge.Settlement{Delivery: *d, Outcome: bridge.Delivered, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func mustIngest(t *testing.T, s *Store, in ...bridge.Incoming) {
	t.Helper()
	if _, err := s.Ingest(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func stepAll(t *testing.T, s *Store, k bridge.ThreadKey, change func(*bridge.Step)) {
	t.Helper()
	w, err := s.Load(t.Context(), k.ID(), k.Part(), 50, false)
	if err != nil {
		t.Fatal(err)
	}
	st := bridge.Step{Session: w.Session, At: time.Now()}
	for _, q := range w.Events {
		st.Consumed = append(st.Consumed, bridge.Consumed{Seq: q.Seq, Body: q.Event})
	}
	change(&st)
	if err := s.Save(t.Context(), st); err != nil {
		t.Fatal(err)
	}
}

// found counts how often text stands in a store's files.
func found(t *testing.T, path, text string) (n int) {
	t.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		n += bytes.Count(b, []byte(text))
	}
	return n
}

// TestErase searches the files byte by byte, while others write: nothing is left of a person, and everything of others.
func TestErase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "erase.db")
	s := reopen(t, path, Options{})
	eraseWords(t, s)
	bobs := func() (said []string) {
		err := s.Transcript(t.Context(), bridge.Span{}, func(e bridge.Entry) error {
			if strings.Contains(e.Text, "bob") {
				said = append(said, e.Text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	if found(t, path, "needle") == 0 {
		t.Fatal("the words cannot be found to begin with")
	}
	before := fmt.Sprint(bobs())
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var written atomic.Int64
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if oneMessage(context.WithoutCancel(ctx), s, benchKey(100+w), fmt.Sprint("load", w, "-", n)) == nil {
					written.Add(1)
				}
			}
		})
	}
	for written.Load() < 20 { // the load is there
		if t.Context().Err() != nil {
			t.Fatal("nothing is written")
		}
	}
	done, err := bridge.Offline(s).Erase(t.Context(), "", "U0ADA")
	if err != nil {
		t.Fatal(err)
	}
	left := found(t, path, "needle")
	stop()
	writers.Wait()
	if left > 0 || found(t, path, "needle") > 0 {
		t.Errorf("%d times something of hers is left", left)
	}
	if done.Threads != 8 || done.Ended != 8 || done.Waiting == 0 || done.Rows == 0 {
		t.Errorf("%+v", done)
	}
	if after := fmt.Sprint(bobs()); after != before {
		t.Errorf("bob's words:\n%s\nbecame\n%s", before, after)
	}
	// What is left of her sessions is one DISCONNECT each, and her events stay seen.
	for n := range 12 {
		k := benchKey(n)
		v, err := s.Session(t.Context(), k.ID())
		if err != nil {
			t.Fatal(err)
		}
		if ada := n%3 != 2; ada && (v.State != bridge.StateEnded || len(v.Outgoing) != 1 || v.Outgoing[0].Kind != "DISCONNECT" || v.Customer.ID != "U0ADA" || v.Customer.Name != "") || !ada && v.State != bridge.StateAgent {
			t.Errorf("thread %d: %+v", n, v)
		}
		again, err := s.Ingest(t.Context(), []bridge.Incoming{{Opens: true, Dedupe: true, Event: bridge.Event{ID: bridge.EventID(fmt.Sprint("b", n)), Thread: k,
			Text: &bridge.Text{Body: "needle"}}}})
		if err != nil || again[0] != bridge.Repeated {
			t.Errorf("the erased event again: %v, %v", again, err)
		}
	}
	if again, err := bridge.Offline(s).Erase(t.Context(), "", "U0ADA"); err != nil || again != (bridge.Erased{}) {
		t.Errorf("erased again: %+v, %v", again, err)
	}
	if found(t, path, "needle") > 0 {
		t.Error("it is back")
	}
}

// envErase makes this test program erase in a store and, at a commit, kill itself.
const envErase = "CCBRIDGE_STORE_ERASE"

func runErasing(path string) error {
	var commits atomic.Int64
	var at int64
	fmt.Sscan(os.Getenv(envAfter), &at) //nolint:errcheck // 0: never
	s, err := Open(context.Background(), path, Options{Hooks: Hooks{AfterCommit: func() {
		if commits.Add(1) == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}}})
	if err != nil {
		return err
	}
	fmt.Println("begun")
	_, err = bridge.Offline(s).Erase(context.Background(), "", "U0ADA")
	return err
}

// TestEraseKilled kills the process that erases, after a commit in the middle and in the moment it wipes. Erased once
// more, nothing is left.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, at := range []int{2, 5, 9, 0} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "killed.db")
			s := reopen(t, path, Options{})
			eraseWords(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), envErase+"="+path, fmt.Sprint(envAfter, "=", at))
			out, err := child.StdoutPipe()
			if err == nil {
				err = child.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if at == 0 {
				_ = child.Process.Kill()
			}
			_ = child.Wait()
			s = reopen(t, path, Options{})
			if _, err := bridge.Offline(s).Erase(t.Context(), "", "U0ADA"); err != nil {
				t.Fatal(err)
			}
			if n := found(t, path, "needle"); n > 0 {
				t.Errorf("%d times something is left", n)
			}
			if found(t, path, "of-bob") == 0 {
				t.Error("bob's words are gone too")
			}
		})
	}
}
