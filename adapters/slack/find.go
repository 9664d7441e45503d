package slack

import (
	"context"
	"time"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

// clockSkew is how far Slack's clock and ours may be apart.
const clockSkew = time.Minute

// Find looks for a delivery by the id in its metadata: in its thread, then in the channel, where Slack puts replies to
// a deleted root. Such a stray is taken back. It fails with *bridge.SendError.
func (a *Adapter) Find(ctx context.Context, d bridge.Delivery, after time.Time) (bridge.RemoteID, bridge.Certainty, error) {
	ts, c, err := a.find(ctx, d, after)
	if err != nil {
		return "", bridge.InDoubt, lookError(err)
	}
	return ts, c, nil
}

func (a *Adapter) find(ctx context.Context, d bridge.Delivery, after time.Time) (bridge.RemoteID, bridge.Certainty, error) {
	if p, err := readPost(d); err != nil || p.Answer != nil {
		return "", bridge.NotDone, nil // private answers cannot be looked up; shown twice they do no harm
	}
	read := reader{api: a.api, pauses: a.pauses}
	oldest := formatTS(after.Add(-clockSkew))
	t := d.Thread
	if t.Root == "" {
		msgs, err := read.history(ctx, t.Channel, oldest)
		if err == nil && len(msgs) == 0 {
			err = a.sees(ctx, read, t)
		}
		if err != nil {
			return "", bridge.InDoubt, err
		}
		return a.found(msgs, d.ID)
	}

	msgs, err := read.replies(ctx, t.Channel, t.Root, oldest)
	deleted := err != nil && errorCode(err) == "thread_not_found"
	if err == nil && len(msgs) == 0 {
		err = a.sees(ctx, read, t)
	}
	if err != nil && !deleted {
		return "", bridge.InDoubt, err
	}
	if ts, c, err := a.found(msgs, d.ID); c == bridge.Done {
		return ts, c, err
	}
	strays, err := read.history(ctx, t.Channel, oldest)
	if err != nil {
		return "", bridge.InDoubt, err
	}
	if ts, c, _ := a.found(strays, d.ID); c == bridge.Done {
		a.gone.add(t) // so that the next Send says it without posting
		if err := a.deletePost(ctx, t.Channel, string(ts)); err != nil {
			return "", bridge.InDoubt, err
		}
		a.log.Warn("a post of a deleted thread was taken back from the channel", "channel", t.Channel)
	}
	return "", bridge.NotDone, nil
}

// found looks for a delivery among messages. Everybody can read its id, so another app's message with it is none.
func (a *Adapter) found(msgs []slack.Message, id bridge.DeliveryID) (bridge.RemoteID, bridge.Certainty, error) {
	bot := ""
	if self := a.self.Load(); self != nil {
		bot = self.bot
	}
	for _, m := range msgs {
		if bot != "" && m.BotID != "" && m.BotID != bot {
			continue
		}
		if m.Metadata.EventType == metadataType && m.Metadata.EventPayload[metadataID] == string(id) {
			return bridge.RemoteID(m.Timestamp), bridge.Done, nil
		}
	}
	return "", bridge.NotDone, nil
}

// sees makes sure that an empty answer means something: the whole thread must show at least one message.
func (a *Adapter) sees(ctx context.Context, read reader, t bridge.ThreadKey) error {
	var msgs []slack.Message
	var err error
	if t.Root == "" {
		msgs, err = read.before(ctx, t.Channel, "")
	} else {
		msgs, err = read.replies(ctx, t.Channel, t.Root, "")
	}
	if err == nil && len(msgs) == 0 {
		err = wrap("read", t.Channel, errIncomplete)
	}
	return err
}
