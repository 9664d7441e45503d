package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
)

// firstRows are rows of each table in the shape of schema 1: a session with an agent, with an event and a delivery that
// wait, an answer that was shown, and a dead letter.
var firstRows = []string{
	`INSERT INTO setting VALUES ('instance', 'OLDINSTANCE')`,
	`INSERT INTO thread VALUES (PART, 'THREAD', 'acme', 'T1', 'C1', '1751878000.000100', 1, 'agent', 1, 'U1', 1751880000000000000, 1751878000000100000, 0,
		1751878001000000000, 7, 9, '{"thread":KEY,"no":1,"state":"agent","since":"2025-07-07T08:46:41Z","customer":{"id":"U1","name":"Ada"},
		"visitor":{"UserID":"visitor","UserName":"Ada","ChannelID":"1","Locale":"en"},"made":3,
		"undone":{"id":"waiting","kind":"CHAT","what":{"kind":"text","text":"two","message":"1751878000.000300","at":"2025-07-07T08:46:40Z","received":"2025-07-07T08:46:41Z"}},
		"letters":[{"ref":"ref","texts":["lost"]}]}')`,
	`INSERT INTO queue VALUES (PART, 'THREAD', 8, '1751878000.000400', 1751878002000000000,
		'{"id":"acme:m:C1:1751878000.000400","thread":KEY,"order":"1751878000.000400","at":"2025-07-07T08:46:42Z","received":"2025-07-07T08:46:42Z",
		"text":{"author":{"id":"U1","name":"Ada"},"message":"1751878000.000400","body":"three"}}')`,
	`INSERT INTO delivery VALUES (PART, 'waiting', 'THREAD', 'centre', 7, 1, 'CHAT', 'hash', 1751878001000000000, 1, 0, 1751878011000000000, 0,
		'{"id":"waiting","thread":KEY,"to":"centre","call":{"kind":"CHAT","visitor":{"UserID":"visitor"},"content":"two"},"session":1,"made":"2025-07-07T08:46:41Z"}')`,
	`INSERT INTO seen VALUES (PART, 'acme:m:C1:1751878000.000100', 1751878000000000000)`,
	`INSERT INTO heard VALUES (PART, 'THREAD', 1, 'AGENT:TEXT:abc', 2, 0)`,
	`INSERT INTO channel_cursor VALUES (CURSORPART, 'acme', 'C1', 1751878000000000000)`,
	`INSERT INTO ledger VALUES (PART, 'THREAD', 1, 1, 1751878000500000000, 'up', 'text', 'acme:m:C1:1751878000.000100', '1751878000.000100', '', '', 0, 0, '', 0, '',
		'{"id":"acme:m:C1:1751878000.000100","thread":KEY,"order":"1751878000.000100","at":"2025-07-07T08:46:40Z","received":"2025-07-07T08:46:40Z",
		"text":{"author":{"id":"U1","name":"Ada"},"message":"1751878000.000100","body":"one","top":true}}')`,
	`INSERT INTO ledger VALUES (PART, 'THREAD', 1, 5, 1751878000800000000, 'down', 'agent', 'shown', '1751878000.000200', 'delivered', '', 1, 0, '', 0, '',
		'{"id":"shown","thread":KEY,"to":"thread","post":{"body":{}},"message":{"kind":"agent","text":"hello","speaker":"Grace","thread":KEY},"session":1,"made":"2025-07-07T08:46:40Z"}')`,
	`INSERT INTO ledger VALUES (PART, 'THREAD', 1, 6, 1751878000900000000, 'up', 'dead', '', '', '', 'nobody', 0, 0, '', 1, 'ref', '["lost"]')`,
}

var firstKey = bridge.ThreadKey{Adapter: "acme", Space: "T1", Channel: "C1", Root: "1751878000.000100"}

// oldStore makes a database of an earlier schema, filled when that was the first.
func oldStore(t *testing.T, schema int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run(createSetting)
	for n, statements := range migrations[:schema] {
		for _, s := range statements {
			run(dialect(s))
		}
		if n > 0 {
			continue
		}
		values := make([]string, bridge.Parts)
		for part := range values {
			values[part] = fmt.Sprintf("(%d)", part)
		}
		run("INSERT INTO parts VALUES " + strings.Join(values, ","))
		fill := strings.NewReplacer("CURSORPART", fmt.Sprint(cursorPart("acme", "C1")), "PART", fmt.Sprint(firstKey.Part()), "THREAD", string(firstKey.ID()),
			"KEY", `{"adapter":"acme","space":"T1","channel":"C1","root":"1751878000.000100"}`)
		for _, row := range firstRows {
			run(fill.Replace(row))
		}
	}
	run(fmt.Sprintf("INSERT INTO setting VALUES ('schema', '%d')", schema))
	return path
}

// TestMigrations opens a store of every earlier schema: all of it is read, and work goes on.
func TestMigrations(t *testing.T) {
	t.Parallel()
	for schema := 1; schema < len(migrations); schema++ {
		t.Run(fmt.Sprint(schema), func(t *testing.T) {
			t.Parallel()
			checkOld(t, reopen(t, oldStore(t, schema), Options{}))
		})
	}
}

func checkOld(t *testing.T, s *Store) {
	t.Helper()
	ctx, id, part := t.Context(), firstKey.ID(), firstKey.Part()
	want := func(what string, got, want any) {
		t.Helper()
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			t.Errorf("%s: %s, want %s", what, g, w)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want("instance", s.Instance(), "OLDINSTANCE")
	w, err := s.Load(ctx, id, part, 10, false)
	must(err)
	want("session", []any{w.Session.No, w.Session.State, w.Session.Version, w.Session.Customer.Name, w.Session.Undone.What.Text, len(w.Events)}, []any{1, "agent", 7, "Ada", "two", 1})
	d, err := s.Head(ctx, id, part, bridge.ToCentre)
	must(err)
	want("delivery", []any{d.ID, d.Tries, d.Deadline.Unix(), d.Call.Content}, []any{"waiting", 1, 1751878011, "two"})
	heard, _, err := s.Heard(ctx, id, part, 1)
	must(err)
	want("heard", heard, map[string]int{"AGENT:TEXT:abc": 2})
	at, err := s.Cursor(ctx, "acme", "C1")
	must(err)
	want("cursor", at.Unix(), 1751878000)
	became, err := s.Ingest(ctx, []bridge.Incoming{{Dedupe: true, Event: bridge.Event{ID: "acme:m:C1:1751878000.000100", Thread: firstKey}}})
	must(err)
	want("seen", became, []bridge.Ingested{bridge.Repeated})
	var said []string
	must(s.Transcript(ctx, bridge.Span{}, func(e bridge.Entry) error {
		said = append(said, e.Who+":"+e.Text)
		return nil
	}))
	want("transcript", said, []string{"customer:one", "agent:hello", "customer:three"})
	traces, err := s.Trace(ctx, bridge.Link{ID: "1751878000.000100"})
	must(err)
	want("traces", len(traces), 1)
	dead, err := s.Dead(ctx, true)
	must(err)
	want("dead", []any{len(dead), dead[0].Texts}, []any{1, "[lost]"})

	// It goes on.
	must(s.Settle(ctx, bridge.Settlement{Delivery: *d, Outcome: bridge.Delivered, At: time.Now()}))
	must(bridge.Offline(s).Resend(ctx, dead[0].ID))
	st := bridge.Step{Session: w.Session, At: time.Now(), Consumed: []bridge.Consumed{{Seq: w.Events[0].Seq, Body: w.Events[0].Event}},
		Deliveries: []bridge.Delivery{{ID: "next", Thread: firstKey, To: bridge.ToCentre, Session: 1, Call: &bridge.Call{Kind: bridge.CallChat, Content: "three"}}}}
	must(s.Save(ctx, st))
	next, err := s.Head(ctx, id, part, bridge.ToCentre)
	must(err)
	must(s.Begin(ctx, *next, time.Now(), false))
	must(s.Settle(ctx, bridge.Settlement{Delivery: *next, Outcome: bridge.Delivered, At: time.Now()}))
}

// TestMigrationKilled kills the process before and after the commit that brings the schema up to date: it is the old one
// or the new one.
func TestMigrationKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	for kill, want := range map[string]int{envBefore: 1, envAfter: len(migrations)} {
		path := oldStore(t, 1)
		killOne(t, []string{envChild + "=" + path, envRound + "=0", kill + "=1"}, 1<<30, map[string]bool{})
		db, err := sql.Open("sqlite", "file:"+path)
		if err != nil {
			t.Fatal(err)
		}
		var schema int
		err = db.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT value FROM setting WHERE name = 'schema'").Scan(&schema)
		if err != nil || schema != want {
			t.Errorf("%s: schema %d, want %d, %v", kill, schema, want, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		checkOld(t, reopen(t, path, Options{}))
	}
}
