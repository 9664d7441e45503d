package slack

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackutilsx"

	"ccbridge/bridge"
)

// Lengths in UTF-16 units after escaping. Slack keeps 4,000 characters of a text together and takes 3,000 in a section.
const (
	textLimit    = 3800
	sectionLimit = 2900
	nameLimit    = 80 // characters of a speaker's name
	buttonLimit  = 75 // characters of a label
)

// post is the body of a bridge.Post. Text is plain; Send escapes it.
type post struct {
	Text    string   `json:"text"`
	Speaker string   `json:"speaker,omitempty"`
	Buttons []button `json:"buttons,omitempty"`
	// Answer makes it a private answer.
	Answer *address `json:"answer,omitempty"`
}

type button struct {
	Action string `json:"action"`
	Label  string `json:"label"`
}

// Render cuts a message into posts. Slack threads begin with the customer's message, so there is nothing to make.
func (a *Adapter) Render(m bridge.Message) []bridge.Post {
	if m.Kind == bridge.MessageMake || m.Kind == bridge.MessageAnswer && m.Answer == nil {
		return nil
	}
	var to *address
	if m.Kind == bridge.MessageAnswer {
		to = new(address)
		if json.Unmarshal(m.Answer.Address, to) != nil || to.URL == "" {
			return nil
		}
	}
	speaker := ""
	if m.Kind == bridge.MessageAgent || m.Kind == bridge.MessageRobot {
		speaker = displayName(m.Speaker)
	}
	limit := textLimit - escapedLen(speakerPrefix(speaker))
	if len(m.Buttons) > 0 {
		limit = sectionLimit
	}
	var posts []bridge.Post
	pieces := split(strings.ToValidUTF8(m.Text, "\uFFFD"), limit, escapedLen)
	for i, text := range pieces {
		p := post{Text: text, Speaker: speaker, Answer: to}
		if i == len(pieces)-1 {
			p.Buttons = buttons(m.Buttons)
		}
		body, err := json.Marshal(p)
		if err != nil {
			return nil // strings always marshal
		}
		posts = append(posts, bridge.Post{Body: body})
	}
	return posts
}

func buttons(in []bridge.Button) []button {
	var out []button
	for _, b := range in {
		out = append(out, button{Action: b.Action(), Label: clip(b.Label, buttonLimit)})
	}
	return out
}

// escapedLen is the length of s as Slack may count it: in UTF-16 units, after escaping.
func escapedLen(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '&':
			n += len("&amp;")
		case r == '<' || r == '>':
			n += len("&lt;")
		case r > 0xFFFF:
			n += 2
		default:
			n++
		}
	}
	return n
}

// displayName is a name fit to be shown above a post: one line, nothing invisible, bounded.
func displayName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // controls, direction marks, zero-width characters
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	return clip(strings.Join(strings.Fields(name), " "), nameLimit)
}

// clip cuts s to so many characters.
func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

// speakerPrefix names the speaker in the text itself, for tokens that may not post under other names.
func speakerPrefix(speaker string) string {
	if speaker == "" {
		return ""
	}
	return "*" + strings.ReplaceAll(speaker, "*", "") + ":* "
}

// wire is the text as it travels: escaped, so that nothing in it is markup, and with named speakers if they cannot be
// the username.
func (p post) wire(plainNames bool) string {
	if plainNames {
		return slackutilsx.EscapeMessage(speakerPrefix(p.Speaker) + p.Text)
	}
	return slackutilsx.EscapeMessage(p.Text)
}

// blocks are the text and the buttons of a post that has buttons. plain_text is shown as it is.
func (p post) blocks() []slack.Block {
	if len(p.Buttons) == 0 {
		return nil
	}
	var elements []slack.BlockElement
	for _, b := range p.Buttons {
		elements = append(elements, slack.NewButtonBlockElement(b.Action, b.Action, plainText(b.Label)))
	}
	return []slack.Block{
		slack.NewSectionBlock(plainText(p.Text), nil, nil),
		slack.NewActionBlock("", elements...),
	}
}
