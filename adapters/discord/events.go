package discord

import (
	"context"
	"time"

	"ccbridge/bridge"
)

// convert makes an event of what came in. false: nothing that the core wants. An error: it may be something, but it
// cannot be told where it belongs.
func (a *Adapter) convert(ctx context.Context, it incoming) (ev bridge.Event, ok bool, err error) {
	defer a.survive(it.kind)
	if it.verb != nil {
		return it.verb.wait(), true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	switch it.kind {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		var m message
		if err := decode(it.data, &m); err != nil {
			a.log.Warn("event skipped", "kind", it.kind, "error", err)
			return ev, false, nil
		}
		return a.liveMessage(ctx, it.kind, &m)
	case "MESSAGE_DELETE":
		var m message
		if decode(it.data, &m) != nil || m.ID == 0 {
			return ev, false, nil
		}
		return a.deletion(ctx, &m)
	}
	ev, ok = a.gone(it)
	return ev, ok, nil
}

func (a *Adapter) liveMessage(ctx context.Context, kind string, m *message) (bridge.Event, bool, error) {
	if m.Author != nil && m.Author.ID != 0 && m.Author.ID == a.dir.botID() {
		if nonce := m.nonce(); nonce != "" { // a change of the message shows none
			a.sent.put(m.ID, nonce)
		}
	}
	if !m.human() || !a.served(m.Guild) {
		return bridge.Event{}, false, nil
	}
	if m.Guild != 0 && m.Member != nil {
		a.dir.members.put(memberKey{m.Guild, m.Author.ID}, *m.Member)
	}
	return a.messageEvent(ctx, m, kind == "MESSAGE_UPDATE", false)
}

// spot is where a message stands, as the core sees it.
type spot struct {
	key               bridge.ThreadKey
	top, make, direct bool
}

// locate finds the thread of a message. false: in a channel without threads, or a guild that is not served.
func (a *Adapter) locate(ctx context.Context, guild, channel, message snowflake) (spot, bool, error) {
	if guild == 0 {
		return spot{key: a.directKey(channel), top: true, direct: true}, channel != 0, nil
	}
	if !a.served(guild) {
		return spot{}, false, nil
	}
	p, err := a.place(ctx, channel)
	if err != nil {
		return spot{}, false, err
	}
	switch {
	case p.thread() && p.parent != 0:
		// A forum post begins with the message that bears the thread's id.
		return spot{key: a.threadKey(guild, p.parent, channel), top: channel == message}, true, nil
	case p.text():
		return spot{key: a.threadKey(guild, channel, message), top: true, make: true}, true, nil
	}
	return spot{}, false, nil
}

// messageEvent makes the event of a person's message, or of its change. ask: Discord may be asked about the author.
func (a *Adapter) messageEvent(ctx context.Context, m *message, update, ask bool) (bridge.Event, bool, error) {
	editedAt, edited := m.editedAt()
	if update && !edited { // Discord itself changed it, adding a preview
		return bridge.Event{}, false, nil
	}
	at, ok, err := a.locate(ctx, m.Guild, m.Channel, m.ID)
	if !ok {
		return bridge.Event{}, false, err
	}
	body, mention := a.plainText(m)
	text := &bridge.Text{
		Author: a.author(ctx, m, ask), Message: bridge.RemoteID(m.ID.String()), Body: body, Mention: mention,
		TopLevel: at.top, Direct: at.direct, Make: at.make, Files: fileNames(m, body),
	}
	if body == "" && len(text.Files) == 0 && !mention {
		a.warnEmpty.Do(func() {
			a.log.Warn("a message came without any content: is the message content intent switched on?")
		})
		return bridge.Event{}, false, nil
	}
	ev := bridge.Event{
		ID: a.messageEventID(m.Channel, m.ID), Thread: at.key, Order: m.ID.order(), At: m.ID.time(), Text: text,
	}
	if update {
		text.Edited, text.TopLevel, text.Make = true, false, false
		ev.ID = a.editEventID(m.Channel, m.ID, editedAt)
		ev.Order, ev.At = snowflakeAt(editedAt).order(), editedAt
	}
	return ev, true, nil
}

func (a *Adapter) author(ctx context.Context, m *message, ask bool) bridge.User {
	who := m.Member
	if who == nil && m.Guild != 0 {
		found := a.member(ctx, m.Guild, m.Author.ID, ask)
		who = &found
	}
	u := bridge.User{ID: bridge.UserID(m.Author.ID.String()), Name: displayName(m.Author, who)}
	if who != nil {
		u.Roles = roleNames(who.Roles)
	}
	return u
}

func (a *Adapter) deletion(ctx context.Context, m *message) (bridge.Event, bool, error) {
	at, ok, err := a.locate(ctx, m.Guild, m.Channel, m.ID)
	if !ok {
		return bridge.Event{}, false, err
	}
	now := time.Now().UTC() // Discord tells no time
	text := &bridge.Text{Deleted: true, Message: bridge.RemoteID(m.ID.String()), Direct: at.direct}
	return bridge.Event{
		ID: a.deletionEventID(m.Channel, m.ID), Thread: at.key, Order: snowflakeAt(now).order(), At: now, Text: text,
	}, true, nil
}

// gone makes the event of a place that is no more.
func (a *Adapter) gone(it incoming) (bridge.Event, bool) {
	var c struct {
		channel
		Unavailable *bool `json:"unavailable"` // GUILD_DELETE: its presence makes the difference
	}
	if decode(it.data, &c) != nil || c.ID == 0 {
		return bridge.Event{}, false
	}
	now := time.Now().UTC()
	ev := bridge.Event{ID: a.goneEventID(c.ID), Order: snowflakeAt(now).order(), At: now}
	switch it.kind {
	case "THREAD_DELETE":
		ev.Thread, ev.Gone = a.threadKey(c.Guild, c.Parent, c.ID), &bridge.Gone{What: "thread"}
		return ev, a.served(c.Guild) && c.Guild != 0 && c.Parent != 0
	case "CHANNEL_DELETE":
		ev.Thread = bridge.ThreadKey{Adapter: a.cfg.Name, Space: c.Guild.String(), Channel: c.ID.String()}
		ev.Gone = &bridge.Gone{What: "channel"}
		return ev, a.served(c.Guild) && c.Guild != 0
	}
	// GUILD_DELETE: with "unavailable" it is an outage, without it the bot was removed.
	session := ""
	if s := a.session.Load(); s != nil {
		session = *s
	}
	ev.ID = a.removalEventID(c.ID, session, it.seq)
	ev.Thread = bridge.ThreadKey{Adapter: a.cfg.Name, Space: c.ID.String()}
	ev.Gone = &bridge.Gone{What: "installation"}
	return ev, a.served(c.ID) && c.Unavailable == nil
}
