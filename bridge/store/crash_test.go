package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ccbridge/bridge"
)

// The child's orders: the database, what makes its ids unique, and at which commit it kills itself, before or after.
const (
	envChild  = "CCBRIDGE_STORE_CHILD"
	envRound  = "CCBRIDGE_STORE_ROUND"
	envBefore = "CCBRIDGE_STORE_KILL_BEFORE"
	envAfter  = "CCBRIDGE_STORE_KILL_AFTER"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(envChild); path != "" {
		fmt.Fprintln(os.Stderr, runChild(path))
		os.Exit(1)
	}
	if path := os.Getenv(envErase); path != "" {
		if err := runErasing(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// runChild writes until it is killed, and prints each thing that returned.
func runChild(path string) error {
	var commits atomic.Int64
	killAt := func(env string) func() {
		at, _ := strconv.Atoi(os.Getenv(env))
		return func() {
			if at > 0 && commits.Load() == int64(at) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
	before, after := killAt(envBefore), killAt(envAfter)
	s, err := Open(context.Background(), path, Options{Hooks: Hooks{
		BeforeCommit: func() { commits.Add(1); before() }, AfterCommit: after,
	}})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%s-%d-%d", os.Getenv(envRound), w, n)
				if err := writeOne(s, benchKey(w), id); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// acked prints what is done for certain, in one write.
func acked(what, id string) { fmt.Printf("%s %s\n", what, id) }

func writeOne(s *Store, k bridge.ThreadKey, id string) error {
	ctx, now := context.Background(), time.Now()
	ev := bridge.Event{ID: bridge.EventID(id), Thread: k, Received: now, Text: &bridge.Text{Body: strings.Repeat(id, 50)}}
	if _, err := s.Ingest(ctx, []bridge.Incoming{{Event: ev, Opens: true, Dedupe: true}}); err != nil {
		return err
	}
	acked("ingested", id)
	w, err := s.Load(ctx, k.ID(), k.Part(), 100, false)
	if err != nil {
		return err
	}
	st := bridge.Step{Session: benchSession(k, w.Session.Version), At: now}
	var own bridge.Delivery
	for _, q := range w.Events { // those of killed children too
		st.Consumed = append(st.Consumed, bridge.Consumed{Seq: q.Seq, Body: q.Event})
		if q.Event.Text != nil {
			own = bridge.Delivery{ID: "d" + bridge.DeliveryID(q.Event.ID), Thread: k, To: bridge.ToCentre, Made: now,
				Call: &bridge.Call{Kind: bridge.CallChat, Content: id}}
			st.Deliveries = append(st.Deliveries, own)
		}
	}
	if err := s.Save(ctx, st); err != nil {
		return err
	}
	acked("stepped", id)
	result := bridge.Event{ID: ev.ID + "-result", Thread: k, Received: now, Result: &bridge.Result{Delivery: own.ID}}
	if err := s.Settle(ctx, bridge.Settlement{Delivery: own, Outcome: bridge.Delivered, At: now, Result: &result}); err != nil {
		return err
	}
	acked("settled", id)
	return nil
}

// TestKill kills a writing process again and again: from outside at random moments, and by its own hand just before and
// just after a commit. What was acknowledged must be there, and nothing half-done.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "killed.db")
	said := map[string]bool{} // "stepped id"
	for round := range 9 {
		lines := 1 << 30
		env := []string{envChild + "=" + path, envRound + "=" + strconv.Itoa(round)}
		switch commit := strconv.Itoa(2 + random.IntN(40)); round % 3 {
		case 0:
			lines = random.IntN(200)
		case 1:
			env = append(env, envBefore+"="+commit)
		case 2:
			env = append(env, envAfter+"="+commit)
		}
		killOne(t, env, lines, said)
		s, err := Open(t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkWhole(t, s, said)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) == 0 {
		t.Fatal("no child acknowledged anything")
	}
}

// killOne starts a child, kills it after a number of lines if it does not do so itself, and adds what it said.
func killOne(t *testing.T, env []string, lines int, said map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), env...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := in.ReadString('\n')
		if err != nil {
			break // a line without its end was not said
		}
		said[strings.TrimSuffix(line, "\n")] = true
	}
	_ = child.Wait()
	if ws, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGKILL {
		t.Fatalf("the child ended by itself: %v", child.ProcessState)
	}
}

// checkWhole looks at the tables: each event seen is queued or in the ledger; one in the ledger has its delivery, waiting
// or in the ledger; one of those in the ledger has its result, queued or in the ledger.
func checkWhole(t *testing.T, s *Store, said map[string]bool) {
	t.Helper()
	column := func(query string) map[string]bool {
		found := map[string]bool{}
		err := s.each(t.Context(), query, nil, func(r *rows) error {
			var id string
			err := r.Scan(&id)
			if found[id] {
				t.Errorf("%s: %s twice", query, id)
			}
			found[id] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	queued := map[string]bool{}
	waiting, _, err := s.Waiting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range waiting {
		w, err := s.Load(t.Context(), ref.ID, ref.Part, 1000, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range w.Events {
			queued[string(q.Event.ID)] = true
		}
	}
	seen, ledger, deliveries := column(`SELECT id FROM seen`), column(`SELECT item FROM ledger`), column(`SELECT id FROM delivery`)
	for id := range seen {
		stepped, settled := ledger[id], ledger["d"+id]
		result := queued[id+"-result"] || ledger[id+"-result"]
		if queued[id] == stepped || (deliveries["d"+id] || settled) != stepped || deliveries["d"+id] && settled || result != settled {
			t.Errorf("%s is half done: queued %t, stepped %t, delivery %t, settled %t, result %t", id, queued[id], stepped, deliveries["d"+id], settled, result)
		}
	}
	for line := range said {
		what, id, _ := strings.Cut(line, " ")
		if there := map[string]bool{"ingested": seen[id], "stepped": ledger[id], "settled": ledger["d"+id]}; !there[what] {
			t.Errorf("%s was acknowledged and is not there", line)
		}
	}
}

// TestCloseWaits closes under load: what had begun ends well or is refused whole.
func TestCloseWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s := reopen(t, path, Options{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	var done []string
	first := make(chan struct{}, 8)
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprint(w, "-", n)
				_, err := s.Ingest(t.Context(), []bridge.Incoming{{Event: bridge.Event{ID: bridge.EventID(id), Thread: benchKey(w)}, Opens: true, Dedupe: true}})
				if err != nil {
					return
				}
				if n == 0 {
					first <- struct{}{}
				}
				mu.Lock()
				done = append(done, id)
				mu.Unlock()
			}
		})
	}
	<-first
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	again := reopen(t, path, Options{})
	st, err := again.Stats(t.Context())
	if err != nil || st.Queue != len(done) || len(done) == 0 {
		t.Fatalf("%d acknowledged, %d there, %v", len(done), st.Queue, err)
	}
}
