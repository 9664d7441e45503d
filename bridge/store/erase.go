package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ccbridge/bridge"
)

const (
	// selectTheirs looks at one part, so that no read is long.
	selectTheirs = `SELECT ` + refColumns + ` FROM thread t WHERE t.part = $1 AND ($2 = '' OR t.adapter = $2) AND (t.customer = $3
		OR EXISTS (SELECT 1 FROM queue q WHERE q.part = t.part AND q.thread = t.id AND q.body LIKE $4)
		OR EXISTS (SELECT 1 FROM ledger l WHERE l.part = t.part AND l.thread = t.id AND l.kind IN ('text', 'verb') AND l.body LIKE $4))`

	selectErased   = `SELECT version, customer, state, body FROM thread WHERE part = $1 AND id = $2`
	updateErased   = `UPDATE thread SET version = version + 1, session_no = $3, state = $4, is_open = $5, due_at = $6, body = $7 WHERE part = $1 AND id = $2`
	selectBodies   = `SELECT session_no, seq, at, kind, item, is_dead, body FROM ledger WHERE part = $1 AND thread = $2`
	updateBody     = `UPDATE ledger SET item = $6, content = '', is_dead = $7, body = $8 WHERE part = $1 AND thread = $2 AND session_no = $3 AND seq = $4 AND at = $5`
	deleteAllHeard = `DELETE FROM heard WHERE part = $1 AND thread = $2`
	// settleErased moves a delivery to the ledger.
	settleErased = `INSERT INTO ledger (part, thread, session_no, seq, at, direction, kind, item, remote, outcome, detail,
			tries, repeats, begun_at, content, is_dead, ref, body)
		SELECT part, thread, session_no, seq, $3, $4, kind, id, '', CASE WHEN deadline = 0 THEN 'given-up' ELSE 'unknown' END, 'erased',
			tries, repeats, begun_at, '', 0, '', $5
		FROM delivery WHERE part = $1 AND id = $2`

	// settingErased is set while copies of what was erased may be left in the files.
	settingErased = "erased"
)

// Theirs implements bridge.ConsoleStore.
func (s *Store) Theirs(ctx context.Context, adapter string, who bridge.UserID) ([]bridge.ThreadRef, error) {
	name, err := json.Marshal(who)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", who, err)
	}
	like := `%"id":` + string(name) + `%` // coarse: EraseThread looks closer
	var refs []bridge.ThreadRef
	for part := range bridge.Parts {
		err := s.each(ctx, selectTheirs, []any{part, adapter, who, like}, func(r *rows) error {
			var ref bridge.ThreadRef
			err := scanRef(r, &ref)
			refs = append(refs, ref)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// Wipe implements bridge.ConsoleStore.
func (s *Store) Wipe(ctx context.Context) error {
	var value string
	if _, err := s.row(ctx, selectSetting, []any{settingErased}, &value); err != nil || value == "" {
		return err
	}
	if err := s.db.wipe(ctx); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, upsertSetting, settingErased, "")
		return err
	})
}

// erasure is one EraseThread at work.
type erasure struct {
	*tx
	place
	ref     bridge.ThreadRef
	who     bridge.UserID
	own     bool
	session bridge.Session
	queue   []kept
	calls   []kept          // deliveries that are not settled
	ledger  []kept          // with their bodies
	wrote   map[string]bool // ids of messages and events of theirs
	said    []string        // what they wrote, for rows of schema 3 and before, which do not tell their cause
	changed bool            // the session was
	done    bridge.Erased
}

// EraseThread implements bridge.ConsoleStore.
func (s *Store) EraseThread(ctx context.Context, ref bridge.ThreadRef, who bridge.UserID, end func(bridge.Session) (bridge.Session, []bridge.Delivery)) (bridge.Erased, error) {
	var done bridge.Erased
	err := s.do(ctx, func(ctx context.Context, t *tx) error {
		e := erasure{tx: t, place: place{part: ref.Part, thread: ref.ID}, ref: ref, who: who, wrote: map[string]bool{}}
		if err := e.read(ctx); err != nil {
			return err
		}
		if err := e.erase(ctx, end); err != nil {
			return err
		}
		if e.own && (e.changed || e.done.Rows > 0) {
			e.done.Threads = 1
		}
		if done = e.done; !e.changed && done == (bridge.Erased{}) {
			return nil
		}
		_, err := t.exec(ctx, upsertSetting, settingErased, "1")
		return err
	})
	return done, err
}

// read takes in all that is kept of the thread.
func (e *erasure) read(ctx context.Context) error {
	var customer bridge.UserID
	var body string
	found, err := e.row(ctx, selectErased, []any{e.part, e.thread}, &e.session.Version, &customer, &e.session.State, &body)
	if err != nil || !found {
		return err
	}
	if body != "" && json.Unmarshal([]byte(body), &e.session) != nil {
		e.session = bridge.Session{State: e.session.State, Version: e.session.Version} // what cannot be read goes whole
	}
	e.session.Thread = e.ref.Key
	if e.queue, err = e.readQueue(ctx); err != nil {
		return err
	}
	e.own = customer == e.who || customer == "" && len(e.queue) > 0 && e.theirs(e.queue[0].event) // before its first step
	if e.ledger, err = e.readLedger(ctx); err != nil {
		return err
	}
	if e.calls, err = e.readDeliveries(ctx); err != nil {
		return err
	}
	for _, k := range append(slices.Clone(e.ledger), e.queue...) {
		if ev := k.event; ev != nil && e.theirs(ev) {
			e.wrote[string(ev.ID)] = true
			if o := k.origin(); o != "" {
				e.wrote[o] = true
			}
			if ev.Text != nil && strings.TrimSpace(ev.Text.Body) != "" {
				e.said = append(e.said, ev.Text.Body)
			}
		}
	}
	return nil
}

// theirs: the person wrote or asked it.
func (e *erasure) theirs(ev *bridge.Event) bool {
	return ev != nil && (ev.Text != nil && ev.Text.Author.ID == e.who || ev.Verb != nil && ev.Verb.By.ID == e.who)
}

func (e *erasure) readQueue(ctx context.Context) (list []kept, err error) {
	err = e.each(ctx, selectUnworked, []any{e.part, e.thread}, func(r *rows) error {
		k := kept{place: e.place, event: &bridge.Event{}}
		var received int64
		var body string
		err := r.Scan(&k.seq, &received, &body)
		if err == nil && json.Unmarshal([]byte(body), k.event) != nil {
			k.event = &bridge.Event{ID: "unreadable", Text: &bridge.Text{Author: bridge.User{ID: e.who}}}
		}
		list = append(list, k)
		return err
	})
	return list, err
}

func (e *erasure) readLedger(ctx context.Context) (list []kept, err error) {
	err = e.each(ctx, selectBodies, []any{e.part, e.thread}, func(r *rows) error {
		k := kept{place: e.place}
		var at int64
		var body string
		err := r.Scan(&k.session, &k.seq, &at, &k.kind, &k.item, &k.dead, &body)
		k.at, k.body = instant(at), body
		list = append(list, k.decoded(body, e.ref))
		return err
	})
	return list, err
}

func (e *erasure) readDeliveries(ctx context.Context) (list []kept, err error) {
	err = e.each(ctx, selectUnsettled, []any{e.part, e.thread}, func(r *rows) error {
		k := kept{place: e.place, delivery: &bridge.Delivery{}}
		var made, begun, deadline, notBefore int64
		var body string
		err := r.Scan(&k.seq, &made, &k.tries, &k.repeats, &begun, &deadline, &notBefore, &body)
		if err == nil {
			err = json.Unmarshal([]byte(body), k.delivery)
		}
		k.session, k.delivery.Deadline, k.body = k.delivery.Session, instant(deadline), body
		list = append(list, k)
		return err
	})
	return list, err
}

// concerns: a row holds words that are to go.
func (e *erasure) concerns(k kept) bool {
	switch {
	case e.own:
		return true
	case k.event != nil:
		v := k.event.Verb
		return e.theirs(k.event) || v != nil && v.Letter != nil && slices.ContainsFunc(v.Letter.Causes, func(c string) bool { return e.wrote[c] })
	case k.letter != nil:
		return slices.ContainsFunc(k.letter.Causes, func(c string) bool { return e.wrote[c] })
	case k.delivery == nil || k.delivery.Call == nil:
		return false // posts hold the words of others, or the bridge's
	case k.delivery.Cause != "":
		return e.wrote[k.delivery.Cause]
	}
	content := k.delivery.Call.Content
	return content != "" && slices.ContainsFunc(e.said, func(body string) bool {
		return strings.Contains(content, body) || strings.Contains(body, content)
	})
}
