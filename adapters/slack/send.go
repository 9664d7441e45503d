package slack

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/slack-go/slack"

	"ccbridge/bridge"
)

// metadataType marks our posts; the payload carries the delivery's id, nothing else: everybody can read it.
const (
	metadataType = "ccbridge_delivery"
	metadataID   = "id"
)

const customizeScope = "chat:write.customize"

// Codes of failures that are not Slack's own.
const (
	codeThreadGone = "thread_gone" // the root was deleted
	codeStray      = "stray_left"  // a post stands in the channel and could not be taken back yet
	codeNoTS       = "answer_without_ts"
	codeBadPost    = "unreadable_post"
	codeNoName     = "speaker_goes_into_text"
)

// Send posts one piece (Slack: chat.postMessage, or a response_url for private answers).
func (a *Adapter) Send(ctx context.Context, d bridge.Delivery) (bridge.RemoteID, error) {
	p, err := readPost(d)
	if err != nil {
		return "", &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, Final: true, Code: codeBadPost, Err: err}
	}
	if p.Answer != nil {
		return "", a.sendAnswer(ctx, p)
	}
	if a.gone.has(d.Thread) {
		return "", threadGone()
	}
	plainNames := a.plainNames.Load()
	channel, ts, msg, err := a.api.PostMessageWithResponseContext(ctx, d.Thread.Channel, options(d, p, plainNames)...)
	switch {
	case err != nil:
		return "", a.sendFailure(err, p.Speaker != "" && !plainNames)
	case ts == "" || msg.Timestamp == "":
		return "", &bridge.SendError{Certainty: bridge.InDoubt, Scope: bridge.ScopeDelivery, Code: codeNoTS}
	case channel != d.Thread.Channel, d.Thread.Root != "" && msg.ThreadTimestamp != d.Thread.Root:
		return "", a.takeBack(ctx, d.Thread, channel, ts)
	}
	return bridge.RemoteID(ts), nil
}

func readPost(d bridge.Delivery) (post, error) {
	var p post
	if d.Post == nil {
		return p, errors.New("delivery without a post")
	}
	if json.Unmarshal(d.Post.Body, &p) != nil {
		return p, errors.New("post is not of this adapter") // the decoder's error may quote it
	}
	return p, nil
}

// options are the arguments of chat.postMessage. parse and link_names stay unset: the text is untrusted.
func options(d bridge.Delivery, p post, plainNames bool) []slack.MsgOption {
	opts := []slack.MsgOption{
		slack.MsgOptionText(p.wire(plainNames), false),
		slack.MsgOptionDisableMarkdown(),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType:    metadataType,
			EventPayload: map[string]any{metadataID: string(d.ID)},
		}),
	}
	if d.Thread.Root != "" {
		opts = append(opts, slack.MsgOptionTS(d.Thread.Root))
	}
	if p.Speaker != "" && !plainNames {
		opts = append(opts, slack.MsgOptionUsername(p.Speaker))
	}
	if blocks := p.blocks(); blocks != nil {
		opts = append(opts, slack.MsgOptionBlocks(blocks...))
	}
	return opts
}

// sendFailure says what a failed post means. named: it was posted under a speaker's name. A token without that scope
// is no reason to lose the words: from now on the name stands in the text, beginning with the next try.
func (a *Adapter) sendFailure(err error, named bool) *bridge.SendError {
	var se slack.SlackErrorResponse
	if named && errors.As(err, &se) && se.Err == "missing_scope" && (se.Needed == "" || strings.Contains(se.Needed, customizeScope)) {
		if !a.plainNames.Swap(true) {
			a.log.Warn("the app may not post under agents' names; they are written into the text", "needed", customizeScope)
		}
		return &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeDelivery, Code: codeNoName, Err: err}
	}
	return sendError(err)
}

func threadGone() *bridge.SendError {
	return &bridge.SendError{Certainty: bridge.NotDone, Scope: bridge.ScopeThread, Final: true, Code: codeThreadGone}
}

// takeBack deletes a post that Slack put elsewhere: its root was deleted, and it stands in the channel for all to see.
// If the deletion has no clear outcome the delivery stays in doubt, and Find takes the post back.
func (a *Adapter) takeBack(ctx context.Context, t bridge.ThreadKey, channel, ts string) *bridge.SendError {
	a.gone.add(t)
	if err := a.deletePost(ctx, channel, ts); err != nil {
		a.log.Error("a post of a deleted thread stands in the channel and is not taken back yet", "channel", channel, "code", errorCode(err))
		return &bridge.SendError{Certainty: bridge.InDoubt, Scope: bridge.ScopeThread, RetryAfter: retryAfter(err), Code: codeStray, Err: err}
	}
	a.log.Warn("a post of a deleted thread was taken back from the channel", "channel", channel)
	return threadGone()
}

// deletePost takes a post of ours back; one that is gone already is fine (Slack: chat.delete).
func (a *Adapter) deletePost(ctx context.Context, channel, ts string) error {
	_, _, err := a.api.DeleteMessageContext(ctx, channel, ts)
	if err == nil || errorCode(err) == "message_not_found" {
		return nil
	}
	return wrap("chat.delete", channel, err)
}

// sendAnswer posts a private answer to the response_url of its verb.
func (a *Adapter) sendAnswer(ctx context.Context, p post) error {
	m := private(p.Text)
	m.ThreadTS, m.Blocks = p.Answer.ThreadTS, p.blocks()
	err := a.postAnswer(ctx, p.Answer.URL, m)
	if err == nil {
		return nil
	}
	e := sendError(err)
	e.Err = nil // it may contain the address
	var status slack.StatusCodeError
	var refused slack.SlackErrorResponse
	if e.Certainty == bridge.NotDone && !limited(err) && (errors.As(err, &status) || errors.As(err, &refused)) {
		e.Final = true // used up or expired
	}
	if e.Scope != bridge.ScopeAdapter || e.Final {
		e.Scope = bridge.ScopeDelivery // refusals and limits are the address's own
	}
	return e
}
