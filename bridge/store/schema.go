package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"

	"ccbridge/bridge"
)

// migrations[n] leads from schema n to schema n+1. What was released is never changed: a new version is a new entry.
var migrations = [][]string{{
	`CREATE TABLE parts (part smallint PRIMARY KEY)`,

	`CREATE TABLE thread (
		part       smallint NOT NULL,
		id         text     NOT NULL,
		adapter    text     NOT NULL,
		space      text     NOT NULL,
		channel    text     NOT NULL,
		root       text     NOT NULL,
		session_no integer  NOT NULL,
		state      text     NOT NULL,
		is_open    smallint NOT NULL,
		customer   text     NOT NULL,
		due_at     bigint   NOT NULL, -- the earliest of its timers
		cursor_at  bigint   NOT NULL,
		unread_at  bigint   NOT NULL, -- since when it could not be read; 0: it was
		active_at  bigint   NOT NULL, -- its last step
		version    bigint   NOT NULL,
		next_seq   bigint   NOT NULL,
		body       text     NOT NULL, -- the session; '' before the first step
		PRIMARY KEY (part, id)
	)`,
	`CREATE INDEX thread_due ON thread (part, due_at) WHERE due_at > 0`,
	`CREATE INDEX thread_open ON thread (part, adapter, customer) WHERE is_open = 1`,

	`CREATE TABLE queue (
		part        smallint NOT NULL,
		thread      text     NOT NULL,
		seq         bigint   NOT NULL,
		order_key   text     NOT NULL, -- the platform's order; '' for what does not come from a platform
		received_at bigint   NOT NULL,
		body        text     NOT NULL,
		PRIMARY KEY (part, thread, seq)
	) /* clustered */`,

	`CREATE TABLE delivery (
		part       smallint NOT NULL,
		id         text     NOT NULL,
		thread     text     NOT NULL,
		target     text     NOT NULL,
		seq        bigint   NOT NULL,
		session_no integer  NOT NULL,
		kind       text     NOT NULL,
		content    text     NOT NULL, -- hash of a text to the centre; '' otherwise
		made_at    bigint   NOT NULL,
		tries      integer  NOT NULL,
		repeats    integer  NOT NULL,
		deadline   bigint   NOT NULL, -- of the intent that stands; 0: none stands
		not_before bigint   NOT NULL,
		body       text     NOT NULL,
		PRIMARY KEY (part, id)
	)`,
	`CREATE INDEX delivery_lane ON delivery (part, thread, target, seq)`,

	`CREATE TABLE seen (
		part smallint NOT NULL,
		id   text     NOT NULL,
		at   bigint   NOT NULL,
		PRIMARY KEY (part, id)
	) /* clustered */`,

	`CREATE TABLE heard (
		part         smallint NOT NULL,
		thread       text     NOT NULL,
		session_no   integer  NOT NULL,
		content      text     NOT NULL, -- bridge.Incoming.Heard; '' counts nothing, only marks
		times        integer  NOT NULL,
		from_history integer  NOT NULL, -- how many of the times
		PRIMARY KEY (part, thread, session_no, content)
	) /* clustered */`,

	`CREATE TABLE channel_cursor (
		part    smallint NOT NULL,
		adapter text     NOT NULL,
		channel text     NOT NULL,
		at      bigint   NOT NULL,
		PRIMARY KEY (part, adapter, channel)
	) /* clustered */`,

	`CREATE TABLE ledger (
		part       smallint NOT NULL,
		thread     text     NOT NULL,
		session_no integer  NOT NULL,
		seq        bigint   NOT NULL,
		at         bigint   NOT NULL, -- when it was stepped or settled
		direction  text     NOT NULL, -- up, down, or '' for what is neither
		kind       text     NOT NULL, -- of the event, the call or the message; 'dead' for a dead letter
		item       text     NOT NULL, -- id of the event or the delivery
		remote     text     NOT NULL, -- the platform's id of the message
		outcome    text     NOT NULL, -- of a delivery
		detail     text     NOT NULL, -- the note on an event, the outside's code, a dead letter's reason
		tries      integer  NOT NULL,
		repeats    integer  NOT NULL,
		content    text     NOT NULL, -- as in delivery
		is_dead    smallint NOT NULL,
		ref        text     NOT NULL, -- of a dead letter: what its button carries
		body       text     NOT NULL, -- the event, the delivery, or the dead letter's texts
		PRIMARY KEY (part, thread, session_no, seq, at) -- at: so that upkeep reads the index only
	)`,
	`CREATE INDEX ledger_dead ON ledger (part, direction) WHERE is_dead = 1`,
}, {
	`CREATE INDEX thread_ended ON thread (part, adapter, active_at) WHERE is_open = 0`,
}, {
	`ALTER TABLE thread ADD COLUMN shadow smallint NOT NULL DEFAULT 0`, // nothing of its session goes out
}, {
	// When the first call was begun; 0: none was, or it was before this schema.
	`ALTER TABLE delivery ADD COLUMN begun_at bigint NOT NULL DEFAULT 0`,
	`ALTER TABLE ledger ADD COLUMN begun_at bigint NOT NULL DEFAULT 0`,
}}

// The rows of table setting.
const (
	settingSchema   = "schema"
	settingInstance = "instance"
	settingHealth   = "health"
)

const (
	createSetting = `CREATE TABLE IF NOT EXISTS setting (name text PRIMARY KEY, value text NOT NULL)`
	selectSetting = `SELECT value FROM setting WHERE name = $1`
	upsertSetting = `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	insertPart    = `INSERT INTO parts (part) VALUES ($1)`
)

// Schema is the version of the schema that this program makes and needs.
func Schema() int { return len(migrations) }

// migrate brings the schema up to date and returns the store's instance. A schema of a newer program is an error.
func migrate(ctx context.Context, t *tx) (instance string, err error) {
	if _, err := t.exec(ctx, createSetting); err != nil {
		return "", err
	}
	version := 0
	var value string
	found, err := t.row(ctx, selectSetting, []any{settingSchema}, &value)
	if err != nil {
		return "", err
	}
	if found {
		if version, err = strconv.Atoi(value); err != nil {
			return "", fmt.Errorf("schema version %q: %w", value, err)
		}
	}
	if version > len(migrations) {
		return "", fmt.Errorf("schema %d is newer than this program, which knows %d", version, len(migrations))
	}
	for ; version < len(migrations); version++ {
		for _, statement := range migrations[version] {
			if _, err := t.exec(ctx, dialect(statement)); err != nil {
				return "", fmt.Errorf("schema %d: %w", version+1, err)
			}
		}
	}
	if _, err := t.exec(ctx, upsertSetting, settingSchema, strconv.Itoa(version)); err != nil {
		return "", err
	}
	return firstOpen(ctx, t)
}

// firstOpen fills what a new store starts with.
func firstOpen(ctx context.Context, t *tx) (instance string, err error) {
	found, err := t.row(ctx, selectSetting, []any{settingInstance}, &instance)
	if found || err != nil {
		return instance, err
	}
	for part := range bridge.Parts {
		if _, err := t.exec(ctx, insertPart, part); err != nil {
			return "", err
		}
	}
	instance = rand.Text()
	_, err = t.exec(ctx, upsertSetting, settingInstance, instance)
	return instance, err
}
