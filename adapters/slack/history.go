package slack

import (
	"context"
	"errors"

	"github.com/slack-go/slack"
)

// Methods of Slack that are read from, each with its own limit.
const (
	methodReplies  = "conversations.replies"
	methodHistory  = "conversations.history"
	methodChannels = "users.conversations"
	methodUser     = "users.info"
	methodChannel  = "conversations.info"
)

// Bounds of reading a history. Slack's pages may be much smaller than asked for (15 objects for some apps).
const (
	pageSize = 200
	maxPages = 1000
)

var (
	errTooLong    = errors.New("history is longer than is read at once")
	errIncomplete = errors.New("history came incomplete")
)

// reader reads histories, all pages of them. patient readers wait when Slack limits them.
type reader struct {
	api     *slack.Client
	pauses  *pauses
	patient bool
}

// replies reads a thread, oldest first, with its root (Slack: conversations.replies).
func (r reader) replies(ctx context.Context, channel, root, oldest string) ([]slack.Message, error) {
	msgs, err := r.pages(ctx, methodReplies, func(cursor string) ([]slack.Message, bool, string, error) {
		return r.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: root, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
		})
	})
	if err != nil {
		return nil, wrap(methodReplies, channel+" "+root, err)
	}
	return msgs, nil
}

// history reads a channel's messages outside threads, newest first (Slack: conversations.history).
func (r reader) history(ctx context.Context, channel, oldest string) ([]slack.Message, error) {
	msgs, err := r.pages(ctx, methodHistory, func(cursor string) ([]slack.Message, bool, string, error) {
		return r.historyPage(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
		})
	})
	if err != nil {
		return nil, wrap(methodHistory, channel, err)
	}
	return msgs, nil
}

// before reads the last page of a channel up to latest.
func (r reader) before(ctx context.Context, channel, latest string) ([]slack.Message, error) {
	var msgs []slack.Message
	err := r.pauses.call(ctx, methodHistory, r.patient, func() (err error) {
		msgs, _, _, err = r.historyPage(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Latest: latest, Inclusive: true, Limit: pageSize,
		})
		return err
	})
	if err != nil {
		return nil, wrap(methodHistory, channel, err)
	}
	return msgs, nil
}

func (r reader) historyPage(ctx context.Context, p *slack.GetConversationHistoryParameters) ([]slack.Message, bool, string, error) {
	res, err := r.api.GetConversationHistoryContext(ctx, p)
	switch {
	case err != nil:
		return nil, false, "", err
	case !res.Ok:
		return nil, false, "", errIncomplete // a refusal without a reason
	}
	return res.Messages, res.HasMore, res.ResponseMetaData.NextCursor, nil
}

// channels lists the conversations the bot is in (Slack: users.conversations).
func (r reader) channels(ctx context.Context, types ...string) ([]string, error) {
	var ids []string
	cursor := ""
	for range maxPages {
		var page []slack.Channel
		err := r.pauses.call(ctx, methodChannels, r.patient, func() (err error) {
			page, cursor, err = r.api.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{
				Types: types, Cursor: cursor, Limit: pageSize, ExcludeArchived: true,
			})
			return err
		})
		if err != nil {
			return nil, wrap(methodChannels, types[0], err)
		}
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		if cursor == "" {
			return ids, nil
		}
	}
	return nil, errTooLong
}

func (r reader) pages(ctx context.Context, method string, page func(cursor string) ([]slack.Message, bool, string, error)) ([]slack.Message, error) {
	var all []slack.Message
	cursor := ""
	for range maxPages {
		var msgs []slack.Message
		var more bool
		var next string
		err := r.pauses.call(ctx, method, r.patient, func() (err error) {
			msgs, more, next, err = page(cursor)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, msgs...)
		switch {
		case next == "" && more, next != "" && next == cursor:
			return nil, errIncomplete
		case next == "":
			return all, nil
		}
		cursor = next
	}
	return nil, errTooLong
}
