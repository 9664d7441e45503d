package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

const (
	// ackTime bounds the first answer; Discord forgets an interaction after 3 s.
	ackTime = 2 * time.Second
	// ackPause is the pause before the first answer is tried again; it doubles.
	ackPause = 50 * time.Millisecond
	// answerLife is how long an interaction can be answered: Discord's 15 minutes less a margin.
	answerLife = 15*time.Minute - 15*time.Second
	// answerTime bounds an answer that the adapter gives by itself.
	answerTime = 5 * time.Second
)

// Types of interactions and of answers to them (Discord: interactions/receiving-and-responding).
const (
	interactionCommand   = 2
	interactionComponent = 3
	answerDeferred       = 5
	flagEphemeral        = 64
)

// answerAddress is where an interaction is answered: bridge.Answer.Address. The token is a secret.
type answerAddress struct {
	Application string `json:"application"`
	Token       string `json:"token"`
}

// verb is a verb in a lane, whose first answer may still be on its way.
type verb struct {
	event bridge.Event
	acked <-chan struct{}
}

// wait returns the event once the first answer was tried, at most ackTime: the final one must not come before.
func (v *verb) wait() bridge.Event {
	<-v.acked
	return v.event
}

// interacted takes a slash command or a button. It runs in the SDK's read loop.
func (a *Adapter) interacted(ctx context.Context, in bridge.Inbox, d dispatch) {
	var i interaction
	if !a.decoded(d, &i) || i.ID == 0 || i.Token == "" || !a.served(i.Guild) {
		return
	}
	kind, ref, ok := a.verbOf(&i)
	by := i.caller()
	if !ok || by.ID == "" {
		return
	}
	if i.Channel != nil {
		i.Channel.Guild = i.Guild
		a.dir.learn(i.Channel)
	}
	acked := make(chan struct{})
	v := &verb{event: i.event(a, kind, ref, by), acked: acked}
	key, known := a.verbThread(&i, &v.event)
	if known { // in order with the words written before and after
		a.lanes.push(key, incoming{kind: d.kind, verb: v})
	}
	started := a.background(ctx, func(ctx context.Context) {
		a.acknowledge(ctx, &i, v)
		close(acked)
		if !known {
			a.verbElsewhere(ctx, in, &i, v)
		}
	})
	if !started {
		close(acked)
		a.log.Warn("too many interactions at once: one was not acknowledged")
	}
}

// verbOf says what the interaction asks for; false if it is none of ours.
func (a *Adapter) verbOf(i *interaction) (kind bridge.VerbKind, ref string, ok bool) {
	switch {
	case i.Type == interactionComponent:
		return bridge.ParseAction(i.Data.CustomID)
	case i.Type == interactionCommand && i.Data.Name == a.commands.agent:
		return bridge.VerbAgent, "", true
	case i.Type == interactionCommand && i.Data.Name == a.commands.end:
		return bridge.VerbEnd, "", true
	}
	return "", "", false
}

func (i *interaction) caller() bridge.User {
	u, m := i.User, i.Member
	if m != nil {
		u = m.User
	}
	if u == nil || u.ID == 0 {
		return bridge.User{}
	}
	by := bridge.User{ID: bridge.UserID(u.ID.String()), Name: displayName(u, m)}
	if m != nil {
		by.Roles = roleNames(m.Roles)
	}
	return by
}

// event makes the verb's event, still without its thread.
func (i *interaction) event(a *Adapter, kind bridge.VerbKind, ref string, by bridge.User) bridge.Event {
	address, err := json.Marshal(answerAddress{Application: i.Application.String(), Token: i.Token})
	v := &bridge.Verb{Kind: kind, By: by, Ref: ref, Direct: i.Guild == 0}
	if err == nil {
		v.Answer = &bridge.Answer{Address: address, Until: i.ID.time().Add(answerLife)}
	}
	return bridge.Event{ID: a.interactionEventID(i.ID), Order: i.ID.order(), At: i.ID.time(), Verb: v}
}

// verbThread sets the thread of a verb and names its lane: the thread that a choice names, else the thread or direct
// message where it was asked. false: neither.
func (a *Adapter) verbThread(i *interaction, ev *bridge.Event) (snowflake, bool) {
	v := ev.Verb
	if v.Kind == bridge.VerbAgent || v.Kind == bridge.VerbEnd {
		if parent, root, ok := parseChoice(v.Ref); ok {
			v.Ref = ""
			ev.Thread = a.threadKey(i.Guild, parent, root)
			return root, true
		}
	}
	if i.Guild == 0 {
		ev.Thread = a.directKey(i.ChannelID)
		return i.ChannelID, true
	}
	p, ok := a.dir.places.find(i.ChannelID)
	if ok && p.thread() && p.parent != 0 {
		ev.Thread = a.threadKey(i.Guild, p.parent, i.ChannelID)
		return i.ChannelID, true
	}
	return 0, false
}

// acknowledge defers the answer, privately. It waits for no limit: interactions are outside of Discord's global one.
func (a *Adapter) acknowledge(ctx context.Context, i *interaction, v *verb) {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	err := a.deferAnswer(ctx, i)
	for pause := ackPause; passing(err); pause *= 2 {
		var ae *apiError
		if errors.As(err, &ae) {
			pause = max(pause, ae.retryAfter)
		}
		if sleep(ctx, pause) != nil {
			break
		}
		err = a.deferAnswer(ctx, i)
	}
	if hasCode(err, discordgo.ErrCodeUnknownInteraction) {
		v.event.Verb.Answer = nil // too late: it cannot be answered any more
	}
	if err != nil {
		a.log.Warn("interaction not acknowledged", "error", err)
	}
}

// deferAnswer makes the call of acknowledge. That it was made before is as good.
func (a *Adapter) deferAnswer(ctx context.Context, i *interaction) error {
	err := a.rest.call(ctx, request{
		method: http.MethodPost, url: discordgo.EndpointInteractionResponse(i.ID.String(), i.Token), free: true,
		body: map[string]any{"type": answerDeferred, "data": map[string]any{"flags": flagEphemeral}},
	}, nil)
	if hasCode(err, discordgo.ErrCodeInteractionHasAlreadyBeenAcknowledged) {
		return nil
	}
	return err
}

// verbElsewhere serves a verb that was asked outside of a thread that is known.
func (a *Adapter) verbElsewhere(ctx context.Context, in bridge.Inbox, i *interaction, v *verb) {
	defer a.survive("INTERACTION_CREATE")
	if _, err := a.place(ctx, i.ChannelID); err == nil {
		if key, ok := a.verbThread(i, &v.event); ok {
			a.lanes.push(key, incoming{kind: "INTERACTION_CREATE", verb: v})
			return
		}
	}
	asked := v.event.Verb
	open, err := in.OpenThreads(ctx, a.cfg.Name, i.ChannelID.String(), asked.By.ID)
	switch {
	case err != nil:
		a.log.Error("open threads not listed", "error", err)
		a.answer(ctx, asked.Answer, answerBody(bridge.SayTryAgain, nil))
	case len(open) == 0:
		a.answer(ctx, asked.Answer, answerBody(bridge.SayHowToStart, nil))
	case len(open) == 1:
		v.event.Thread = open[0]
		if key, err := channelOf(open[0]); err == nil {
			a.lanes.push(key, incoming{kind: "INTERACTION_CREATE", verb: v})
		}
	default:
		a.answer(ctx, asked.Answer, choiceBody(asked.Kind, open))
	}
}

// choiceBody lists threads, with a button each.
func choiceBody(kind bridge.VerbKind, open []bridge.ThreadKey) map[string]any {
	var text strings.Builder
	text.WriteString(bridge.SayWhichThread)
	var buttons []bridge.Button
	for n, t := range open[:min(len(open), maxButtons)] {
		fmt.Fprintf(&text, "\n%d\\. <#%s>", n+1, t.Root)
		buttons = append(buttons, bridge.Button{Verb: kind, Ref: t.Channel + "." + t.Root, Label: fmt.Sprint(n + 1)})
	}
	return answerBody(text.String(), componentsOf(buttons))
}

// parseChoice takes the ref of a choice apart.
func parseChoice(ref string) (parent, root snowflake, ok bool) {
	first, second, found := strings.Cut(ref, ".")
	if !found {
		return 0, 0, false
	}
	parent, err1 := parseSnowflake(first)
	root, err2 := parseSnowflake(second)
	return parent, root, err1 == nil && err2 == nil
}

func answerBody(content string, components []component) map[string]any {
	if components == nil {
		components = []component{} // none, also none of an earlier answer
	}
	return map[string]any{"content": content, "components": components, "allowed_mentions": noMentions}
}

// answer gives the final answer to an interaction, as far as possible.
func (a *Adapter) answer(ctx context.Context, to *bridge.Answer, body map[string]any) {
	if to == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	var at answerAddress
	err := json.Unmarshal(to.Address, &at)
	if err == nil {
		err = a.rest.call(ctx, request{
			method: http.MethodPatch, url: discordgo.EndpointInteractionResponseActions(at.Application, at.Token),
			body: body, free: true,
		}, nil)
	}
	if err != nil {
		a.log.Warn("interaction not answered", "error", err)
	}
}

// answerSoon is answer without waiting for it.
func (a *Adapter) answerSoon(ctx context.Context, to *bridge.Answer, text string) {
	a.background(ctx, func(ctx context.Context) { a.answer(ctx, to, answerBody(text, nil)) })
}
