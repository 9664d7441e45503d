package discord

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ccbridge/bridge"
)

const (
	// nonceWindow is how long a repeat under the same nonce is certainly harmless: "the past few minutes", taken as
	// two, less the time until the repeat reaches Discord.
	nonceWindow = 90 * time.Second
	// clockMargin is how far Discord's clock may be behind ours.
	clockMargin = 30 * time.Second
)

// Find looks whether d was done.
func (a *Adapter) Find(ctx context.Context, d bridge.Delivery, after time.Time) (bridge.RemoteID, bridge.Certainty, error) {
	p, place, err := takeApart(d)
	if err != nil {
		return "", bridge.InDoubt, err
	}
	switch p.Op {
	case opAnswer, opFollow:
		return "", bridge.NotDone, nil // a repeat has the same effect
	case opMake:
		return a.findThread(ctx, place)
	}
	if time.Since(after) < nonceWindow {
		return "", bridge.NotDone, nil // Discord itself finds an earlier one when it is repeated
	}
	return a.findPost(ctx, d, p, place, after)
}

// findThread looks for the thread that bears the id of its message.
func (a *Adapter) findThread(ctx context.Context, id snowflake) (bridge.RemoteID, bridge.Certainty, error) {
	c, err := a.channel(ctx, id)
	switch {
	case notFound(err):
		return "", bridge.NotDone, nil
	case err != nil:
		return "", bridge.InDoubt, err
	case c.ID != id:
		return "", bridge.InDoubt, fmt.Errorf("thread %s: %w", id, errAnswer)
	}
	return bridge.RemoteID(id.String()), bridge.Done, nil
}

// findPost looks through the history for a message of ours: by nonce where it is known, else by content.
func (a *Adapter) findPost(ctx context.Context, d bridge.Delivery, p post, place snowflake, after time.Time) (bridge.RemoteID, bridge.Certainty, error) {
	bot, err := a.self(ctx)
	if err != nil {
		return "", bridge.InDoubt, err
	}
	guild, err := spaceOf(d.Thread)
	if err != nil {
		return "", bridge.InDoubt, err
	}
	from := snowflakeAt(after.Add(-clockMargin))
	if last, err := parseSnowflake(string(d.Last)); err == nil {
		from = max(from, last) // an equal post before it is another one
	}
	list, err := a.history(ctx, guild, place, from)
	if err != nil {
		return "", bridge.InDoubt, err
	}
	var alike bridge.RemoteID
	for i := range list {
		m := &list[i]
		if m.Author == nil || m.Author.ID != bot {
			continue
		}
		nonce := m.nonce()
		if nonce == "" {
			nonce, _ = a.sent.find(m.ID)
		}
		switch {
		case nonce == string(d.ID):
			return bridge.RemoteID(m.ID.String()), bridge.Done, nil
		case nonce == "" && sameContent(m.Content, p.Content):
			alike = bridge.RemoteID(m.ID.String())
		}
	}
	if alike != "" {
		return alike, bridge.Done, nil
	}
	return "", bridge.NotDone, nil
}

// sameContent compares what was sent with what Discord shows, which trims and drops odd characters.
func sameContent(x, y string) bool {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if !visible(r) {
				return -1
			}
			return r
		}, s)
	}
	return plain(x) == plain(y)
}
