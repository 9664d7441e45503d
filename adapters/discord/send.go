package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/bwmarrin/discordgo"

	"ccbridge/bridge"
)

// archiveAfter is when a thread that nobody writes in is archived, in minutes. Writing brings it back.
const archiveAfter = 1440

// newMessage is the body of POST /channels/{id}/messages; the SDK's knows no nonce.
type newMessage struct {
	Content    string      `json:"content"`
	Nonce      string      `json:"nonce"`         // at most 25 characters
	Enforce    bool        `json:"enforce_nonce"` // the same nonce again makes no second message
	Mentions   any         `json:"allowed_mentions"`
	Components []component `json:"components,omitempty"`
}

// Send makes the call of d's post. The nonce makes a repeat within some minutes harmless.
func (a *Adapter) Send(ctx context.Context, d bridge.Delivery) (bridge.RemoteID, error) {
	p, place, err := takeApart(d)
	if err != nil {
		return "", err
	}
	switch p.Op {
	case opMake:
		return a.makeThread(ctx, d, p)
	case opAnswer, opFollow:
		return a.sendAnswer(ctx, p)
	}
	var made message
	err = a.rest.call(ctx, request{
		method: http.MethodPost, url: endpointMessages(place),
		body: newMessage{
			Content: p.Content, Nonce: string(d.ID), Enforce: true, Mentions: noMentions, Components: p.Components,
		},
	}, &made)
	if hasCode(err, discordgo.ErrCodeUnknownMessage) {
		return "", nil // this nonce made a message, and somebody deleted it since
	}
	if err == nil && made.ID == 0 {
		err = errAnswer
	}
	if err != nil {
		return "", sendError(err)
	}
	a.sent.put(made.ID, string(d.ID))
	return bridge.RemoteID(made.ID.String()), nil
}

// takeApart reads what Render made, and where it goes.
func takeApart(d bridge.Delivery) (p post, place snowflake, err error) {
	broken := &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, Final: true, Code: "malformed"}
	if d.Post == nil || json.Unmarshal(d.Post.Body, &p) != nil {
		return p, 0, broken
	}
	switch p.Op {
	case opAnswer, opFollow:
		if p.Answer == nil {
			return p, 0, broken
		}
		return p, 0, nil
	case opMake:
		place, err = parseSnowflake(p.Origin)
	case opPost:
		place, err = channelOf(d.Thread)
	default:
		return p, 0, broken
	}
	if err != nil {
		return p, 0, broken
	}
	return p, place, nil
}

// makeThread starts a thread from the message it is named after (Discord: start thread from message). Its id is the
// message's.
func (a *Adapter) makeThread(ctx context.Context, d bridge.Delivery, p post) (bridge.RemoteID, error) {
	err := a.rest.call(ctx, request{
		method: http.MethodPost, url: discordgo.EndpointChannelMessageThread(d.Thread.Channel, p.Origin),
		body: map[string]any{"name": p.Name, "auto_archive_duration": archiveAfter},
	}, nil)
	var ae *apiError
	if errors.As(err, &ae) && ae.code == discordgo.ErrCodeThreadAlreadyCreatedForThisMessage {
		err = nil
	}
	if err == nil {
		return bridge.RemoteID(p.Origin), nil
	}
	e := sendError(err)
	if ae != nil && ae.code == discordgo.ErrCodeUnknownMessage { // taken back before it got its thread
		e.Scope, e.Final = bridge.ScopeThread, true
	}
	return "", e
}

// sendAnswer answers an interaction: the first piece takes the place of the deferred answer, the others follow it.
func (a *Adapter) sendAnswer(ctx context.Context, p post) (bridge.RemoteID, error) {
	body := answerBody(p.Content, p.Components)
	q := request{
		method: http.MethodPatch, url: discordgo.EndpointInteractionResponseActions(p.Answer.Application, p.Answer.Token),
		body: body, free: true,
	}
	if p.Op == opFollow {
		body["flags"] = flagEphemeral
		q.method, q.url = http.MethodPost, discordgo.EndpointFollowupMessage(p.Answer.Application, p.Answer.Token)
	}
	var made message
	err := a.rest.call(ctx, q, &made)
	if err == nil && made.ID == 0 {
		err = errAnswer
	}
	if err != nil {
		return "", sendError(err)
	}
	return bridge.RemoteID(made.ID.String()), nil
}
