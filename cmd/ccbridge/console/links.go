package console

import (
	"errors"
	"net/url"
	"strings"

	"ccbridge/adapters/discord"
	"ccbridge/adapters/slack"
	"ccbridge/bridge"
)

// maxID bounds what may be an id, in bytes.
const maxID = 200

// ParseLink reads what an operator names a message or a thread by: a permalink of Slack or Discord, or an id.
func ParseLink(text string) (bridge.Link, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return bridge.Link{}, errors.New("a link or an id is missing")
	case len(text) > maxID && !strings.Contains(text, "://") || strings.ContainsAny(text, " \t\r\n"):
		return bridge.Link{}, errors.New("this is neither a link to a message nor an id")
	case !strings.Contains(text, "://"):
		return bridge.Link{ID: text}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return bridge.Link{}, errors.New("this link cannot be read")
	}
	if l, ok := slack.ParseLink(u); ok {
		return l, nil
	}
	if l, ok := discord.ParseLink(u); ok {
		return l, nil
	}
	return bridge.Link{}, errors.New("this is no link to a message of Slack or Discord: copy it from the message's menu")
}
