package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"ccbridge/bridge"
)

// chooserSize is how many threads a chooser shows at most: it must fit into an acknowledgement of 20 KB.
const chooserSize = 10

// maxAnswerBody bounds what is read of a response_url's answer.
const maxAnswerBody = 4 << 10

// privateAnswer is an answer that only the caller sees, as the payload of an acknowledgement or of a response_url
// (Slack: message payloads).
type privateAnswer struct {
	ResponseType    string        `json:"response_type"`
	ReplaceOriginal bool          `json:"replace_original"`
	Text            string        `json:"text"`
	Markdown        bool          `json:"mrkdwn"`
	ThreadTS        string        `json:"thread_ts,omitempty"`
	Blocks          []slack.Block `json:"blocks,omitempty"`
}

func private(text string) privateAnswer {
	return privateAnswer{ResponseType: slack.ResponseTypeEphemeral, Text: slackutilsx.EscapeMessage(text)}
}

// chooser asks which of several threads a command means: a link and a button each.
func chooser(threads []bridge.ThreadKey, kind bridge.VerbKind, workspace string) privateAnswer {
	label := bridge.LabelAgent
	if kind == bridge.VerbEnd {
		label = bridge.LabelEnd
	}
	blocks := []slack.Block{slack.NewSectionBlock(plainText(bridge.SayWhichThread), nil, nil)}
	for i, t := range threads[:min(len(threads), chooserSize)] {
		words := fmt.Sprintf("<%sarchives/%s/p%s|%d.>", workspace, t.Channel, strings.ReplaceAll(t.Root, ".", ""), i+1)
		if at, err := parseTS(t.Root); err == nil {
			words += fmt.Sprintf(" <!date^%d^{date_short_pretty} {time}|%s>", at.Unix(), at.Format("2006-01-02 15:04 UTC"))
		}
		button := bridge.Button{Verb: kind, Ref: t.Root}
		element := slack.NewButtonBlockElement(button.Action(), threadRef(t), plainText(label))
		text := slack.NewTextBlockObject(slack.MarkdownType, words, false, false)
		blocks = append(blocks, slack.NewSectionBlock(text, nil, slack.NewAccessory(element)))
	}
	m := private(bridge.SayWhichThread)
	m.Blocks = blocks
	return m
}

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// reply acknowledges a command with a private answer, or sends that after the acknowledgement where none may ride along.
func (r *receiver) reply(ctx context.Context, env envelope, responseURL string, m privateAnswer) {
	if env.accepts {
		r.acknowledge(env, m)
		return
	}
	r.acknowledge(env, nil)
	r.answerLater(ctx, responseURL, "", m)
}

// answerLater sends a private answer to a response_url. It is a courtesy: if it fails the caller asks again.
func (r *receiver) answerLater(ctx context.Context, responseURL, threadTS string, m privateAnswer) {
	if responseURL == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, excuseBudget)
	defer cancel()
	m.ThreadTS = threadTS
	if err := r.a.postAnswer(ctx, responseURL, m); err != nil {
		r.a.log.Warn("private answer not sent", "code", errorCode(err))
	}
}

// postAnswer posts to a response_url. Slack says "ok" or JSON; a refusal may come with status 200, and slack-go's own
// call would take it for a success. Errors are those of the library, for one classification.
func (a *Adapter) postAnswer(ctx context.Context, responseURL string, m privateAnswer) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode private answer: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, responseURL, bytes.NewReader(body))
	if err != nil {
		return slack.SlackErrorResponse{Err: "invalid_url"}
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := a.http.Do(req)
	if err != nil {
		return cleanError(err)
	}
	defer resp.Body.Close()
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && resp.StatusCode == http.StatusTooManyRequests {
		return &slack.RateLimitedError{RetryAfter: time.Duration(seconds) * time.Second}
	}
	if resp.StatusCode != http.StatusOK {
		return slack.StatusCodeError{Code: resp.StatusCode}
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBody))
	if err != nil {
		return fmt.Errorf("read answer of response_url: %w", err)
	}
	var said struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) == nil && said.OK != nil && !*said.OK {
		return slack.SlackErrorResponse{Err: cmp.Or(said.Error, "refused")}
	}
	return nil
}
