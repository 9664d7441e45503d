package slack

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

// putSize is how many events are put at once while a channel is caught up; the messages of a thread stay together.
const putSize = 200

// CatchUpThread reads a thread (conversations.replies) or a direct-message channel (conversations.history). It waits
// for limits as long as ctx allows. A thread whose root was deleted is put as gone.
func (a *Adapter) CatchUpThread(ctx context.Context, t bridge.ThreadKey, since time.Time, in bridge.Inbox) error {
	return readError(a.catchUpThread(ctx, t, since, in))
}

func (a *Adapter) catchUpThread(ctx context.Context, t bridge.ThreadKey, since time.Time, in bridge.Inbox) error {
	c, err := a.catcher(ctx, since, in)
	if err != nil {
		return err
	}
	if t.Root == "" {
		return c.directChannel(ctx, t.Channel)
	}
	msgs, err := c.read.replies(ctx, t.Channel, t.Root, c.since)
	switch {
	case err != nil && errorCode(err) == "thread_not_found" && settled(t.Root):
		return c.putGone(ctx, t)
	case err != nil:
		return err
	case len(msgs) > 0 && msgs[0].Timestamp == t.Root && msgs[0].SubType == tombstone:
		c.add(ctx, t.Channel, msgs)
		return errors.Join(c.flush(ctx), c.putGone(ctx, t))
	}
	c.add(ctx, t.Channel, msgs)
	return c.flush(ctx)
}

// lag is how long Slack's histories may not yet show a message.
const lag = 5 * time.Minute

// settled reports whether a message is so old that a history without it means that it was deleted.
func settled(ts string) bool {
	at, err := parseTS(ts)
	return err == nil && time.Since(at) > lag
}

// putGone puts the end of a thread, under the id its live event would have.
func (c *catcher) putGone(ctx context.Context, t bridge.ThreadKey) error {
	now := time.Now().UTC()
	return c.in.Put(ctx, bridge.Event{
		ID: c.a.deletionID(t.Channel, t.Root), Thread: t, Order: formatTS(now), At: now, Gone: &bridge.Gone{What: "thread"},
	})
}

// CatchUpChannel reads the threads begun in a channel, and the replies made since to threads of the page before that:
// a mention may stand in an old thread. "dm" and "*" go through the conversations the bot is in.
func (a *Adapter) CatchUpChannel(ctx context.Context, channel string, since time.Time, in bridge.Inbox) error {
	return readError(a.catchUpChannel(ctx, channel, since, in))
}

func (a *Adapter) catchUpChannel(ctx context.Context, channel string, since time.Time, in bridge.Inbox) error {
	c, err := a.catcher(ctx, since, in)
	if err != nil {
		return err
	}
	switch channel {
	case "dm":
		return c.each(ctx, c.directChannel, "im")
	case "*":
		return c.each(ctx, c.channel, "public_channel", "private_channel")
	}
	if direct(channel) {
		return c.directChannel(ctx, channel)
	}
	return c.channel(ctx, channel)
}

// catcher reads what came after since and puts it.
type catcher struct {
	a      *Adapter
	in     bridge.Inbox
	self   identity
	read   reader
	since  string
	events []bridge.Event
}

func (a *Adapter) catcher(ctx context.Context, since time.Time, in bridge.Inbox) (*catcher, error) {
	self, err := a.identify(ctx)
	if err != nil {
		return nil, err
	}
	return &catcher{a: a, in: in, self: self, read: reader{api: a.api, pauses: a.pauses, patient: true}, since: formatTS(since)}, nil
}

// each does every conversation of some types. One that fails does not hold up the others.
func (c *catcher) each(ctx context.Context, do func(context.Context, string) error, types ...string) error {
	channels, err := c.read.channels(ctx, types...)
	if err != nil {
		return err
	}
	var failed []error
	for _, channel := range channels {
		if err := do(ctx, channel); err != nil {
			failed = append(failed, err)
			c.events = nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(failed...)
}

// directChannel puts what is new in a direct-message channel: one thread, so one Put.
func (c *catcher) directChannel(ctx context.Context, channel string) error {
	threads, err := c.threads(ctx, channel)
	if err != nil {
		return err
	}
	c.add(ctx, channel, slices.Concat(threads...))
	return c.flush(ctx)
}

// channel puts what is new in a channel, whole threads at a time.
func (c *catcher) channel(ctx context.Context, channel string) error {
	threads, err := c.threads(ctx, channel)
	if err != nil {
		return err
	}
	for _, msgs := range threads {
		c.add(ctx, channel, msgs)
		if len(c.events) >= putSize {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	return c.flush(ctx)
}

// threads reads the roots written since, and those of the page before that have later replies, oldest first, each
// with its new replies.
func (c *catcher) threads(ctx context.Context, channel string) ([][]slack.Message, error) {
	fresh, err := c.read.history(ctx, channel, c.since)
	if err != nil {
		return nil, err
	}
	older, err := c.read.before(ctx, channel, c.since)
	if err != nil {
		return nil, err
	}
	var threads [][]slack.Message
	for _, root := range slices.Backward(append(fresh, older...)) {
		msgs := []slack.Message{root}
		if root.LatestReply > c.since || root.LatestReply == "" && root.ReplyCount > 0 {
			replies, err := c.read.replies(ctx, channel, root.Timestamp, c.since)
			if err != nil {
				return nil, err
			}
			msgs = append(msgs, replies...)
		}
		threads = append(threads, msgs)
	}
	return threads, nil
}

// add makes events of messages, oldest first, each once, none at or before since.
func (c *catcher) add(ctx context.Context, channel string, msgs []slack.Message) {
	slices.SortFunc(msgs, func(x, y slack.Message) int { return cmp.Compare(x.Timestamp, y.Timestamp) })
	last := ""
	for _, m := range msgs {
		if m.Timestamp <= c.since || m.Timestamp == last {
			continue
		}
		last = m.Timestamp
		if d, ok := c.a.said(fromHistory(channel, m), c.self); ok {
			c.events = append(c.events, c.a.finish(ctx, d, c.self))
		}
	}
}

// flush puts what was gathered.
func (c *catcher) flush(ctx context.Context) error {
	if len(c.events) == 0 {
		return nil
	}
	err := c.in.Put(ctx, c.events...)
	c.events = nil
	return err
}

// fromHistory is a message of a history in the form of an event.
func fromHistory(channel string, m slack.Message) message {
	out := message{
		Subtype: m.SubType, Channel: channel, User: m.User, BotID: m.BotID, Text: m.Text, TS: m.Timestamp, ThreadTS: m.ThreadTimestamp,
	}
	for _, f := range m.Files {
		out.Files = append(out.Files, file{ID: f.ID, Name: f.Name, Title: f.Title})
	}
	for range m.Attachments {
		out.Attachments = append(out.Attachments, nil)
	}
	return out
}
