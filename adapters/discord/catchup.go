package discord

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

// maxPut events go into one Put; a new root goes with all its replies, however many.
const maxPut = 500

// CatchUpThread puts what was written in t after since. It fails with *bridge.SendError.
func (a *Adapter) CatchUpThread(ctx context.Context, t bridge.ThreadKey, since time.Time, in bridge.Inbox) error {
	return readError(a.catchUpThread(ctx, t, since, in))
}

// CatchUpChannel puts threads begun in channel after since, and what was written in its others. It fails with *bridge.SendError.
func (a *Adapter) CatchUpChannel(ctx context.Context, channel string, since time.Time, in bridge.Inbox) error {
	return readError(a.catchUpChannel(ctx, channel, since, in))
}

// readError says in the core's words why something could not be read: a final error is not worth another try.
func readError(err error) error {
	if err == nil {
		return nil
	}
	e := sendError(err)
	if errors.Is(err, errHistory) {
		e.Certainty, e.Scope, e.Final, e.Code = bridge.NotDone, bridge.ScopeThread, true, "no history"
	}
	e.Err = err
	return e
}

func (a *Adapter) catchUpThread(ctx context.Context, t bridge.ThreadKey, since time.Time, in bridge.Inbox) error {
	guild, err := spaceOf(t)
	if err != nil {
		return fmt.Errorf("catch up thread: %w", err)
	}
	place, err := channelOf(t)
	if err != nil {
		return fmt.Errorf("catch up thread: %w", err)
	}
	if _, err := a.self(ctx); err != nil { // to know what addresses us
		return fmt.Errorf("catch up thread %s: %w", place, err)
	}
	list, err := a.history(ctx, guild, place, lastAt(since))
	if notFound(err) && t.Root != "" {
		return a.threadMissing(ctx, t, place, in)
	}
	if err != nil {
		return fmt.Errorf("catch up thread %s: %w", place, err)
	}
	return a.putInParts(ctx, in, a.events(ctx, list))
}

// threadMissing tells a thread that was deleted from one that was not made yet, whose root stands in the channel and never
// had a thread.
func (a *Adapter) threadMissing(ctx context.Context, t bridge.ThreadKey, root snowflake, in bridge.Inbox) error {
	var m message
	err := a.rest.patientGet(ctx, discordgo.EndpointChannelMessage(t.Channel, t.Root), &m)
	switch {
	case err == nil && m.Flags&flagHasThread == 0:
		return nil
	case err != nil && !notFound(err):
		return fmt.Errorf("catch up thread %s: %w", root, err)
	}
	now := time.Now().UTC()
	return a.putTogether(ctx, in, []bridge.Event{{
		ID: a.goneEventID(root), Thread: t, Order: snowflakeAt(now).order(), At: now, Gone: &bridge.Gone{What: "thread"},
	}})
}

func (a *Adapter) catchUpChannel(ctx context.Context, channel string, since time.Time, in bridge.Inbox) error {
	if channel == "dm" { // Discord does not list them: those of sessions are caught up as threads, others by missedDirect
		return nil
	}
	if _, err := a.self(ctx); err != nil { // to know what addresses us
		return fmt.Errorf("catch up channel %s: %w", channel, err)
	}
	if channel == "*" {
		return a.catchUpGuilds(ctx, since, in)
	}
	id, err := parseSnowflake(channel)
	if err != nil {
		return fmt.Errorf("catch up channel: %w", err)
	}
	p, err := a.place(ctx, id)
	if err != nil {
		return fmt.Errorf("catch up: %w", err)
	}
	if p.guild == 0 || !a.served(p.guild) {
		return fmt.Errorf("catch up channel %s: not in a configured guild", id)
	}
	active, err := a.activeThreads(ctx, p.guild)
	if err != nil {
		return err
	}
	return a.catchUpPlace(ctx, id, p, active, since, in)
}

// catchUpGuilds reads all channels of all configured guilds that the bot can see. One that fails does not keep the
// others back.
func (a *Adapter) catchUpGuilds(ctx context.Context, since time.Time, in bridge.Inbox) error {
	var faults []error
	for _, g := range a.guilds {
		var list []channel
		if err := a.rest.patientGet(ctx, discordgo.EndpointGuildChannels(g.String()), &list); err != nil {
			faults = append(faults, fmt.Errorf("channels of guild %s: %w", g, err))
			continue
		}
		a.dir.learnGuild(&guild{ID: g, Channels: list})
		active, err := a.activeThreads(ctx, g)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, c := range list {
			p, ok := a.dir.places.find(c.ID)
			if !ok || !(p.text() || p.forum()) {
				continue
			}
			if err := a.catchUpPlace(ctx, c.ID, p, active, since, in); err != nil && !hidden(err) {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

// hidden: the bot may not see the channel at all; it is no part of "*".
func hidden(err error) bool {
	var ae *apiError
	return errors.As(err, &ae) && ae.code == discordgo.ErrCodeMissingAccess
}

// catchUpPlace reads one channel: its messages with their threads, then the threads that were begun otherwise or that
// go on. One thread that fails does not keep the others back.
func (a *Adapter) catchUpPlace(ctx context.Context, id snowflake, p place, active []channel, since time.Time, in bridge.Inbox) error {
	archived, err := a.archivedThreads(ctx, p.guild, id, since)
	if err != nil {
		return err
	}
	open := make(map[snowflake]bool) // threads to read
	for _, t := range slices.Concat(archived, active) {
		newer := t.LastMessage == 0 || max(t.LastMessage, t.ID) > lastAt(since)
		if t.Parent == id && newer {
			open[t.ID] = true
		}
	}
	var faults []error
	if p.text() {
		list, err := a.history(ctx, p.guild, id, lastAt(since))
		if err != nil {
			return fmt.Errorf("catch up channel %s: %w", id, err)
		}
		for i := range list {
			root := &list[i]
			if !root.human() {
				continue
			}
			if err := a.catchUpRoot(ctx, root, open[root.ID] || root.Thread != nil, since, in); err != nil {
				faults = append(faults, err)
			}
			delete(open, root.ID)
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(open), cmp.Compare) {
		if err := a.catchUpListed(ctx, p.guild, t, since, in); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// catchUpRoot puts a message that may begin a thread, with all that was written in the thread if there is one.
func (a *Adapter) catchUpRoot(ctx context.Context, root *message, threaded bool, since time.Time, in bridge.Inbox) error {
	list := []message{*root}
	if threaded {
		a.dir.places.put(root.ID, place{guild: root.Guild, parent: root.Channel, kind: kindThread})
		replies, err := a.history(ctx, root.Guild, root.ID, lastAt(since))
		if err != nil && !notFound(err) {
			return fmt.Errorf("catch up thread %s: %w", root.ID, err)
		}
		list = append(list, replies...)
	}
	return a.putTogether(ctx, in, a.events(ctx, list))
}

// catchUpListed puts what was written in a thread, also in one begun before since: its session may have ended, and the
// core knows whether the thread is anybody's.
func (a *Adapter) catchUpListed(ctx context.Context, guild, thread snowflake, since time.Time, in bridge.Inbox) error {
	list, err := a.history(ctx, guild, thread, lastAt(since))
	if notFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("catch up thread %s: %w", thread, err)
	}
	evs := a.events(ctx, list)
	if thread > lastAt(since) {
		return a.putTogether(ctx, in, evs)
	}
	return a.putInParts(ctx, in, evs)
}

// activeThreads lists the guild's threads that are not archived.
func (a *Adapter) activeThreads(ctx context.Context, g snowflake) ([]channel, error) {
	var answer struct {
		Threads []channel `json:"threads"`
	}
	if err := a.rest.patientGet(ctx, discordgo.EndpointGuildActiveThreads(g.String()), &answer); err != nil {
		return nil, fmt.Errorf("active threads of guild %s: %w", g, err)
	}
	a.dir.learnGuild(&guild{ID: g, Threads: answer.Threads})
	return answer.Threads, nil
}

// archivedThreads lists a channel's public threads archived after since; Discord lists the last archived first.
func (a *Adapter) archivedThreads(ctx context.Context, g, id snowflake, since time.Time) ([]channel, error) {
	var found []channel
	before := ""
	for range maxPages {
		var answer struct {
			Threads []channel `json:"threads"`
			More    bool      `json:"has_more"`
		}
		url := discordgo.EndpointChannelPublicArchivedThreads(id.String()) + "?limit=100" + before
		if err := a.rest.patientGet(ctx, url, &answer); err != nil {
			return nil, fmt.Errorf("archived threads of channel %s: %w", id, err)
		}
		for _, t := range answer.Threads {
			if t.Metadata == nil {
				continue
			}
			at, err := time.Parse(time.RFC3339Nano, t.Metadata.ArchivedAt)
			if err != nil || !at.After(since) {
				return found, nil
			}
			t.Guild = g
			a.dir.learn(&t)
			found = append(found, t)
			before = "&before=" + at.UTC().Format("2006-01-02T15:04:05.000000Z")
		}
		if !answer.More || len(answer.Threads) == 0 {
			return found, nil
		}
	}
	return found, nil
}

// events makes events of messages that people wrote.
func (a *Adapter) events(ctx context.Context, list []message) []bridge.Event {
	var evs []bridge.Event
	for i := range list {
		ev, ok, err := a.pastMessage(ctx, &list[i])
		if err != nil {
			a.log.Warn("message not placed", "error", err)
		}
		if ok {
			evs = append(evs, ev)
		}
	}
	return evs
}

func (a *Adapter) pastMessage(ctx context.Context, m *message) (ev bridge.Event, ok bool, err error) {
	defer a.survive("history")
	if !m.human() {
		return ev, false, nil
	}
	return a.messageEvent(ctx, m, false, true)
}

// putInParts is putTogether for what need not stay together.
func (a *Adapter) putInParts(ctx context.Context, in bridge.Inbox, evs []bridge.Event) error {
	for len(evs) > maxPut {
		if err := a.putTogether(ctx, in, evs[:maxPut]); err != nil {
			return err
		}
		evs = evs[maxPut:]
	}
	return a.putTogether(ctx, in, evs)
}

func (a *Adapter) putTogether(ctx context.Context, in bridge.Inbox, evs []bridge.Event) error {
	if len(evs) == 0 {
		return nil
	}
	if err := in.Put(ctx, evs...); err != nil {
		return fmt.Errorf("store what was missed: %w", err)
	}
	return nil
}
