package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"ccbridge/bridge"
)

// incoming is one thing in a lane: a dispatch to make an event of, or a verb that is an event already.
type incoming struct {
	kind string
	seq  int64
	data json.RawMessage
	verb *verb
}

// dispatched takes one event of the gateway. It runs in the SDK's read loop and never blocks.
func (a *Adapter) dispatched(ctx context.Context, in bridge.Inbox, d dispatch) {
	defer a.survive(d.kind)
	switch d.kind {
	case "READY":
		a.started(in, d)
	case "RESUMED":
		a.lineUp(in, false)
	case "GUILD_CREATE":
		var g guild
		if a.decoded(d, &g) && a.served(g.ID) {
			a.dir.learnGuild(&g)
			a.registerSoon()
		}
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE":
		var c channel
		if a.decoded(d, &c) {
			a.dir.learn(&c)
		}
	case "THREAD_LIST_SYNC":
		var l struct {
			Guild   snowflake `json:"guild_id"`
			Threads []channel `json:"threads"`
		}
		if a.decoded(d, &l) {
			a.dir.learnGuild(&guild{ID: l.Guild, Threads: l.Threads})
		}
	case "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE":
		var r struct {
			Role role `json:"role"`
		}
		if a.decoded(d, &r) {
			a.dir.learnRole(&r.Role)
		}
	case "INTERACTION_CREATE":
		a.interacted(ctx, in, d)
	default:
		a.enqueue(d)
	}
}

// started takes READY: a new session, so that something may have been missed.
func (a *Adapter) started(in bridge.Inbox, d dispatch) {
	var r ready
	if a.decoded(d, &r) {
		a.dir.bot.Store(uint64(r.User.ID))
		a.dir.app.Store(uint64(r.Application.ID))
		a.session.Store(&r.Session)
	}
	a.lineUp(in, true)
	a.registerSoon()
}

func (a *Adapter) decoded(d dispatch, v any) bool {
	err := decode(d.data, v)
	if err != nil {
		a.log.Warn("event skipped", "kind", d.kind, "error", err)
	}
	return err == nil
}

// enqueue puts an event about messages or places into the lane of its thread.
func (a *Adapter) enqueue(d dispatch) {
	var at struct {
		ID      snowflake `json:"id"`
		Channel snowflake `json:"channel_id"`
	}
	it := incoming{kind: d.kind, seq: d.seq, data: d.data}
	switch d.kind {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE":
		if a.decoded(d, &at) {
			a.lanes.push(a.laneKey(at.Channel, at.ID), it)
		}
	case "MESSAGE_DELETE_BULK":
		a.enqueueBulk(d)
	case "THREAD_DELETE", "CHANNEL_DELETE", "GUILD_DELETE":
		if a.decoded(d, &at) {
			a.lanes.push(at.ID, it)
		}
	}
}

// enqueueBulk makes single deletions of a bulk.
func (a *Adapter) enqueueBulk(d dispatch) {
	var bulk struct {
		IDs     []snowflake `json:"ids"`
		Channel snowflake   `json:"channel_id"`
		Guild   snowflake   `json:"guild_id"`
	}
	if !a.decoded(d, &bulk) {
		return
	}
	for _, id := range bulk.IDs {
		m := map[string]snowflake{"id": id, "channel_id": bulk.Channel}
		if bulk.Guild != 0 {
			m["guild_id"] = bulk.Guild
		}
		data, err := json.Marshal(m)
		if err != nil {
			continue
		}
		a.lanes.push(a.laneKey(bulk.Channel, id), incoming{kind: "MESSAGE_DELETE", data: data})
	}
}

// laneKey is the root of the message's thread: a message in a text channel and the replies in its thread share a lane.
func (a *Adapter) laneKey(channel, message snowflake) snowflake {
	if p, ok := a.dir.places.find(channel); ok && p.text() {
		return message
	}
	return channel
}

// askCatchUp has the core read what may have been missed, but not too often.
func (a *Adapter) askCatchUp(in bridge.Inbox) {
	now := time.Now().UnixNano()
	last := a.lastGap.Load()
	if now-last < int64(gapPause) || !a.up.Load() || !a.lastGap.CompareAndSwap(last, now) {
		return
	}
	a.report(in, bridge.Line{State: bridge.LineUp, Gap: true, Detail: "an event could not be placed"})
}

// survive keeps a panic to the event that caused it.
func (a *Adapter) survive(kind string) {
	if p := recover(); p != nil {
		a.log.Error("event lost by a panic", "kind", kind, "panic", fmt.Sprintf("%T", p))
	}
}
