package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/bwmarrin/discordgo"
)

const (
	pageSize = 100
	// maxPages bounds one reading: 10,000 messages.
	maxPages = 100
)

// errHistory: the history may not be read.
var errHistory = errors.New("history may not be read")

// history reads the messages of a channel or thread made after the given id, ascending, each once. guild is set in
// them, since Discord leaves it out. Without the right to read Discord answers an empty list: that is errHistory here.
func (a *Adapter) history(ctx context.Context, guild, channel, after snowflake) ([]message, error) {
	var all []message
	seen := make(map[snowflake]bool)
	for range maxPages {
		page, err := a.page(ctx, channel, "limit="+strconv.Itoa(pageSize)+"&after="+after.String())
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if m.ID > after && !seen[m.ID] {
				seen[m.ID] = true
				m.Guild, m.Channel = guild, channel
				all = append(all, m)
			}
		}
		if len(page) < pageSize {
			if len(all) == 0 {
				return nil, a.readable(ctx, guild, channel)
			}
			slices.SortFunc(all, func(x, y message) int { return cmp.Compare(x.ID, y.ID) })
			return all, nil
		}
		for _, m := range page {
			after = max(after, m.ID)
		}
	}
	return nil, fmt.Errorf("history of %s: more than %d messages", channel, maxPages*pageSize)
}

// page reads messages (GET /channels/{id}/messages), the newest first. One that cannot be decoded is left empty, so
// that it counts but costs no other.
func (a *Adapter) page(ctx context.Context, channel snowflake, query string) ([]message, error) {
	var raw []json.RawMessage
	if err := a.rest.patientGet(ctx, endpointMessages(channel)+"?"+query, &raw); err != nil {
		return nil, fmt.Errorf("history of %s: %w", channel, err)
	}
	page := make([]message, len(raw))
	for i := range raw {
		if err := decode(raw[i], &page[i]); err != nil {
			a.log.Warn("message skipped", "channel", channel, "error", err)
		}
	}
	return page, nil
}

// readable makes sure that an empty answer means that there is nothing: by any older message that shows; by a channel
// that never had a message; or by its last one, which may be asked for only with the right to read (403 without).
func (a *Adapter) readable(ctx context.Context, guild, channel snowflake) error {
	if guild == 0 {
		return nil // direct messages know no permissions
	}
	older, err := a.page(ctx, channel, "limit=1")
	if err != nil || len(older) > 0 {
		return err
	}
	c, err := a.channel(ctx, channel)
	if err != nil || c.LastMessage == 0 {
		return err
	}
	err = a.rest.patientGet(ctx, discordgo.EndpointChannelMessage(channel.String(), c.LastMessage.String()), nil)
	switch {
	case err == nil, notFound(err): // it may have been deleted
		return nil
	case hasStatus(err, http.StatusForbidden):
		return fmt.Errorf("channel %s: %w", channel, errHistory)
	}
	return fmt.Errorf("history of %s: %w", channel, err)
}

// self is the bot's own user id.
func (a *Adapter) self(ctx context.Context) (snowflake, error) {
	if id := a.dir.botID(); id != 0 {
		return id, nil
	}
	var me user
	if err := a.rest.patientGet(ctx, discordgo.EndpointUser("@me"), &me); err != nil {
		return 0, fmt.Errorf("own user: %w", err)
	}
	if me.ID == 0 {
		return 0, fmt.Errorf("own user: %w", errAnswer)
	}
	a.dir.bot.Store(uint64(me.ID))
	return me.ID, nil
}
