package discord

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"ccbridge/bridge"
)

const (
	maxContent    = 2000 // Discord: code points of a message
	maxThreadName = 80   // design: the first 80 characters; Discord allows 100
	maxSpeaker    = 80   // characters of a speaker's name
	maxLabel      = 80   // Discord: button label
	maxCustomID   = 100  // Discord: custom_id
	maxButtons    = 25   // five rows of five
	buttonsPerRow = 5
	// Shown where a thread or an agent has no name.
	noThreadName = "Conversation"
	noAgentName  = "Agent"
)

// post is bridge.Post.Body: all that Send needs beside the delivery's id and thread.
type post struct {
	Op         string         `json:"op"`
	Content    string         `json:"content,omitempty"` // escaped
	Components []component    `json:"components,omitempty"`
	Name       string         `json:"name,omitempty"`   // opMake
	Origin     string         `json:"origin,omitempty"` // opMake: the message
	Answer     *answerAddress `json:"answer,omitempty"` // opAnswer, opFollow
}

// What a post does.
const (
	opPost   = "post"
	opMake   = "make"   // make a thread from a message
	opAnswer = "answer" // the private answer to an interaction
	opFollow = "follow" // more of it
)

// component is an action row or a button (Discord: components/reference).
type component struct {
	Type       int         `json:"type"`
	Components []component `json:"components,omitempty"`
	Style      int         `json:"style,omitempty"`
	Label      string      `json:"label,omitempty"`
	CustomID   string      `json:"custom_id,omitempty"`
}

const (
	componentRow    = 1
	componentButton = 2
	stylePrimary    = 1
	styleSecondary  = 2
)

// noMentions goes with every text: without it Discord would ping whomever the text seems to name.
var noMentions = map[string][]string{"parse": {}}

// Render gives m the form of Discord. It is pure.
func (a *Adapter) Render(m bridge.Message) []bridge.Post {
	switch m.Kind {
	case bridge.MessageMake:
		return posts([]post{{Op: opMake, Name: oneLine(m.Text, maxThreadName, noThreadName), Origin: string(m.Origin)}})
	case bridge.MessageAnswer:
		return renderAnswer(m)
	}
	prefix := ""
	if m.Kind == bridge.MessageAgent || (m.Kind == bridge.MessageRobot && m.Speaker != "") {
		prefix = "**" + escape(speaker(m.Speaker)) + ":** "
	}
	var out []post
	for _, piece := range contents(prefix, m.Text) {
		out = append(out, post{Op: opPost, Content: piece})
	}
	return posts(withButtons(out, m.Buttons))
}

func renderAnswer(m bridge.Message) []bridge.Post {
	var to answerAddress
	if m.Answer == nil || json.Unmarshal(m.Answer.Address, &to) != nil {
		return nil
	}
	var out []post
	for _, piece := range contents("", m.Text) {
		op := opFollow
		if len(out) == 0 {
			op = opAnswer
		}
		out = append(out, post{Op: op, Content: piece, Answer: &to})
	}
	return posts(withButtons(out, m.Buttons))
}

// contents escapes and splits text; prefix (already escaped) begins every piece, so that none seems to be another's.
func contents(prefix, text string) []string {
	var out []string
	for _, piece := range split(cleanText(text), maxContent-utf8.RuneCountInString(prefix)) {
		out = append(out, prefix+escape(piece))
	}
	return out
}

// withButtons puts the buttons under the last piece.
func withButtons(out []post, buttons []bridge.Button) []post {
	if len(out) > 0 {
		out[len(out)-1].Components = componentsOf(buttons)
	}
	return out
}

// componentsOf lays buttons out in rows.
func componentsOf(buttons []bridge.Button) []component {
	var rows []component
	for n, b := range buttons[:min(len(buttons), maxButtons)] {
		if n%buttonsPerRow == 0 {
			rows = append(rows, component{Type: componentRow})
		}
		style := styleSecondary
		if b.Verb == bridge.VerbAgent {
			style = stylePrimary
		}
		row := &rows[len(rows)-1]
		row.Components = append(row.Components, component{
			Type: componentButton, Style: style, Label: cutRunes(b.Label, maxLabel), CustomID: cutRunes(b.Action(), maxCustomID),
		})
	}
	return rows
}

// posts encodes each post. They hold nothing that cannot be encoded.
func posts(list []post) []bridge.Post {
	var out []bridge.Post
	for _, p := range list {
		body, err := json.Marshal(p)
		if err != nil {
			continue
		}
		out = append(out, bridge.Post{Body: body})
	}
	return out
}

// speaker makes one line of a name. Marks that turn the direction of writing round go: they could show a false name.
func speaker(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) && r != joiner {
			return -1
		}
		return r
	}, name)
	return oneLine(name, maxSpeaker, noAgentName)
}

// oneLine is text in one line of at most limit code points, cut between characters; otherwise if nothing of it can be
// seen: Discord drops what cannot, and refuses an empty name.
func oneLine(text string, limit int, otherwise string) string {
	text = strings.Join(strings.Fields(cleanText(text)), " ")
	points, at := 0, 0
	for at < len(text) {
		n, _ := cluster(text[at:])
		if points += utf8.RuneCountInString(text[at : at+n]); points > limit {
			break
		}
		at += n
	}
	if text = strings.TrimSpace(text[:at]); strings.ContainsFunc(text, visible) {
		return text
	}
	return otherwise
}

func visible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

func cutRunes(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
