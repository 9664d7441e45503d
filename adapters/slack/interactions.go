package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"ccbridge/bridge"
)

// How long Slack takes answers at a response_url (30 min), less a margin; and how long one such call may take while
// its click waits.
const (
	answerLife   = 29 * time.Minute
	excuseBudget = 2 * time.Second
)

// command is a slash command. Slack offers them outside threads only.
type command struct {
	Command     string `json:"command"`
	ChannelID   string `json:"channel_id"`
	UserID      string `json:"user_id"`
	UserName    string `json:"user_name"`
	TriggerID   string `json:"trigger_id"`
	ResponseURL string `json:"response_url"`
}

// interaction is a click on a button or a message shortcut.
type interaction struct {
	Type       string `json:"type"`
	CallbackID string `json:"callback_id"`
	TriggerID  string `json:"trigger_id"`
	ActionTS   string `json:"action_ts"`
	User       struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Channel   place `json:"channel"`
	Container struct {
		ChannelID string `json:"channel_id"`
		MessageTS string `json:"message_ts"`
		ThreadTS  string `json:"thread_ts"`
	} `json:"container"`
	Message struct {
		TS       string `json:"ts"`
		ThreadTS string `json:"thread_ts"`
	} `json:"message"`
	Actions []struct {
		ActionID string `json:"action_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
	ResponseURL string `json:"response_url"`
}

type place struct {
	ID string `json:"id"`
}

// address is where a private answer goes; it is stored as bridge.Answer.Address.
type address struct {
	URL      string `json:"url"`
	ThreadTS string `json:"thread_ts,omitempty"`
}

// answerAt makes the address of a private answer; threadTS "" answers in the channel.
func answerAt(responseURL, threadTS string) *bridge.Answer {
	if responseURL == "" {
		return nil
	}
	raw, err := json.Marshal(address{URL: responseURL, ThreadTS: threadTS})
	if err != nil {
		return nil // two strings always marshal
	}
	return &bridge.Answer{Address: raw, Until: time.Now().Add(answerLife)}
}

// decodeCommand reads a slash command. Which thread it means is asked of the inbox, in the worker.
func (r *receiver) decodeCommand(j job, self identity) (string, job) {
	var c command
	if json.Unmarshal(j.payload, &c) != nil || c.UserID == "" || c.ChannelID == "" {
		return "", j
	}
	var kind bridge.VerbKind
	switch c.Command {
	case r.a.cfg.Commands.Agent:
		kind = bridge.VerbAgent
	case r.a.cfg.Commands.End:
		kind = bridge.VerbEnd
	default:
		return "", j
	}
	j.excuse = func(ctx context.Context, say string) { r.reply(ctx, j.envelope, c.ResponseURL, private(say)) }
	j.prepare = func(ctx, _ context.Context) prepared { return r.runCommand(ctx, j, c, kind, self) }
	return c.ChannelID + "/" + c.UserID, j
}

// runCommand finds the thread a command means: the caller's open one. Several: the caller chooses.
func (r *receiver) runCommand(ctx context.Context, j job, c command, kind bridge.VerbKind, self identity) prepared {
	asking, cancel := context.WithTimeout(ctx, r.a.cfg.Waits.Put)
	defer cancel()
	threads, err := r.in.OpenThreads(asking, r.a.cfg.Name, c.ChannelID, bridge.UserID(c.UserID))
	if err != nil {
		r.a.log.Warn("open threads of the caller not read", "error", err)
		return prepared{err: err}
	}
	switch len(threads) {
	case 0:
		return prepared{answer: func(ctx context.Context) {
			r.reply(ctx, j.envelope, c.ResponseURL, private(bridge.SayHowToStart))
		}}
	case 1:
	default:
		return prepared{answer: func(ctx context.Context) {
			r.reply(ctx, j.envelope, c.ResponseURL, chooser(threads, kind, self.url))
		}}
	}
	now := time.Now().UTC()
	return prepared{events: []bridge.Event{{
		ID:     r.a.eventID("c", c.ChannelID, c.TriggerID),
		Thread: threads[0],
		Order:  formatTS(now), // a command has no ts
		At:     now,
		Verb: &bridge.Verb{
			Kind:   kind,
			By:     r.a.caller(c.UserID, c.UserName),
			Answer: answerAt(c.ResponseURL, ""),
			Direct: direct(c.ChannelID),
		},
	}}}
}

// decodeInteraction reads a click or a shortcut; other interactions are acknowledged.
func (r *receiver) decodeInteraction(j job, self identity) (string, job) {
	var in interaction
	if json.Unmarshal(j.payload, &in) != nil || in.User.ID == "" {
		return "", j
	}
	var ev bridge.Event
	var ok bool
	switch in.Type {
	case "block_actions":
		ev, ok = r.a.click(in, self)
	case "message_action":
		ev, ok = r.a.shortcut(in, self)
	}
	if !ok {
		return "", j
	}
	j.prepare = func(_, _ context.Context) prepared { return prepared{events: []bridge.Event{ev}} }
	j.excuse = func(ctx context.Context, say string) {
		r.acknowledge(j.envelope, nil)
		r.answerLater(ctx, in.ResponseURL, ev.Thread.Root, private(say))
	}
	return ev.Thread.String(), j
}

// click is a button of ours. Its thread is where it stands, unless it belongs to a chooser.
func (a *Adapter) click(in interaction, self identity) (bridge.Event, bool) {
	channel := cmp.Or(in.Container.ChannelID, in.Channel.ID)
	messageTS := cmp.Or(in.Container.MessageTS, in.Message.TS)
	for _, action := range in.Actions {
		kind, ref, ok := bridge.ParseAction(action.ActionID)
		if !ok || channel == "" {
			continue
		}
		thread := a.thread(self.team, channel, messageTS, cmp.Or(in.Container.ThreadTS, in.Message.ThreadTS))
		answerTS := thread.Root
		if ch, root, ok := parseThreadRef(action.Value); ok {
			thread, ref, answerTS = a.thread(self.team, ch, root, ""), "", ""
		}
		id := a.eventID("b", channel, messageTS, in.User.ID, action.ActionID, action.ActionTS)
		return a.verbEvent(in, id, thread, action.ActionTS, bridge.Verb{
			Kind: kind, Ref: ref, Answer: answerAt(in.ResponseURL, answerTS),
		}), true
	}
	return bridge.Event{}, false
}

// shortcut is a message shortcut, on any message of the thread it means.
func (a *Adapter) shortcut(in interaction, self identity) (bridge.Event, bool) {
	kind, _, ok := bridge.ParseAction(in.CallbackID)
	switch in.CallbackID { // the names the sample manifest gives them
	case shortcutAgent:
		kind, ok = bridge.VerbAgent, true
	case shortcutEnd:
		kind, ok = bridge.VerbEnd, true
	}
	if !ok || in.Channel.ID == "" || in.Message.TS == "" {
		return bridge.Event{}, false
	}
	thread := a.thread(self.team, in.Channel.ID, in.Message.TS, in.Message.ThreadTS)
	return a.verbEvent(in, a.eventID("s", in.Channel.ID, in.TriggerID), thread, in.ActionTS, bridge.Verb{
		Kind: kind, Answer: answerAt(in.ResponseURL, thread.Root),
	}), true
}

// verbEvent fills in who asked, and when.
func (a *Adapter) verbEvent(in interaction, id bridge.EventID, thread bridge.ThreadKey, ts string, v bridge.Verb) bridge.Event {
	at, err := parseTS(ts)
	if err != nil {
		at = time.Now().UTC()
		ts = formatTS(at)
	}
	v.By = a.caller(in.User.ID, cmp.Or(in.User.Name, in.User.Username))
	v.Direct = direct(thread.Channel)
	return bridge.Event{ID: id, Thread: thread, Order: ts, At: at, Verb: &v}
}

// caller is who asked. The name is the one known, else what the payload says: a click must not wait for a look-up.
func (a *Adapter) caller(id, handle string) bridge.User {
	name, _ := a.users.cached(id)
	return bridge.User{ID: bridge.UserID(id), Name: cmp.Or(name, handle, id)}
}
