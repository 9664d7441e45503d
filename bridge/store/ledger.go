package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ccbridge/bridge"
)

const insertLedger = `INSERT INTO ledger (part, thread, session_no, seq, at, direction, kind, item, remote, outcome, detail,
		tries, repeats, content, is_dead, ref, body)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, 0, 0, '', $11, $12, $13)`

// ledgerRow is the row of an event or a dead letter. Deliveries become rows by insertSettled.
type ledgerRow struct {
	place
	seq       int64
	at        time.Time
	direction bridge.Direction
	kind      string
	item      string
	remote    bridge.RemoteID
	detail    string
	dead      bool
	ref       string
	body      string
}

func (r ledgerRow) write(ctx context.Context, t *tx) error {
	_, err := t.exec(ctx, insertLedger, r.part, r.thread, r.session, r.seq, nanos(r.at), r.direction, r.kind, r.item, r.remote,
		r.detail, flag(r.dead), r.ref, r.body)
	return err
}

func eventRow(at place, c bridge.Consumed, when time.Time) (ledgerRow, error) {
	body, err := json.Marshal(c.Body)
	if err != nil {
		return ledgerRow{}, fmt.Errorf("encode event %s: %w", c.Body.ID, err)
	}
	r := ledgerRow{place: at, seq: c.Seq, at: when, item: string(c.Body.ID), detail: c.Note, body: string(body)}
	switch ev := c.Body; {
	case ev.Text != nil:
		r.kind, r.direction, r.remote = kindText, bridge.Up, ev.Text.Message
	case ev.Verb != nil:
		r.kind, r.direction, r.remote = kindVerb, bridge.Up, ev.Verb.Message
	case ev.Downlink != nil:
		r.kind, r.direction = kindDownlink, bridge.Down
	case ev.Gone != nil:
		r.kind = "gone"
	case ev.Result != nil:
		r.kind = "result"
	case ev.Due != nil:
		r.kind = "due"
	}
	return r, nil
}

// letterBody is a dead letter's body in the ledger. Schema 2 and before had the texts alone.
type letterBody struct {
	Texts   []string           `json:"texts"`
	Agents  int                `json:"agents,omitempty"`
	Causes  []string           `json:"causes,omitempty"`
	Kind    bridge.MessageKind `json:"kind,omitempty"`
	Speaker string             `json:"speaker,omitempty"`
}

func parseLetter(body string) (l letterBody, err error) {
	if strings.HasPrefix(body, "[") {
		err = json.Unmarshal([]byte(body), &l.Texts)
		return l, err
	}
	err = json.Unmarshal([]byte(body), &l)
	return l, err
}

func deadRow(at place, d bridge.DeadLetter) (ledgerRow, error) {
	body, err := json.Marshal(letterBody{d.Texts, d.Agents, d.Causes, d.Kind, d.Speaker})
	if err != nil {
		return ledgerRow{}, fmt.Errorf("encode dead letter: %w", err)
	}
	at.session = d.Session
	return ledgerRow{place: at, at: d.At, direction: d.Direction, kind: kindDead, detail: d.Reason, dead: !d.Shadow, ref: d.Ref,
		body: string(body)}, nil
}

// The kinds of ledger rows that are no calls and no messages.
const (
	kindText     = "text"
	kindVerb     = "verb"
	kindDownlink = "downlink"
	kindDead     = "dead"
)
