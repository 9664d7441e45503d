package discord

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"ccbridge/bridge"
)

const (
	// directBack is how far back a direct-message channel is read.
	directBack = time.Hour
	// maxDirects is of how many such channels it is remembered that they were read.
	maxDirects = 20_000
)

// missedDirect finds what was written in a direct-message channel in the hour before ev, the oldest first. Discord does not
// list such channels, so after a gap catch-up knows only those of sessions that are open or ended lately; the others are read
// when somebody writes in them again, once.
func (a *Adapter) missedDirect(ctx context.Context, ev *bridge.Event) []bridge.Event {
	t := ev.Text
	if t == nil || !t.Direct || t.Edited || t.Deleted {
		return nil
	}
	gap := a.gaps.Load()
	channel, err := channelOf(ev.Thread)
	if read, ok := a.directs.find(channel); err != nil || ok && read == gap {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	page, err := a.page(ctx, channel, "limit="+strconv.Itoa(pageSize)+"&before="+string(t.Message))
	if err != nil {
		a.log.Warn("direct messages not read", "error", err)
		return nil
	}
	a.directs.put(channel, gap)
	page = slices.DeleteFunc(page, func(m message) bool { return m.ID.time().Before(ev.At.Add(-directBack)) })
	slices.SortFunc(page, func(x, y message) int { return cmp.Compare(x.ID, y.ID) })
	for i := range page {
		page[i].Channel = channel
	}
	return a.events(ctx, page)
}
