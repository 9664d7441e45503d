package discord

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// markup are Discord's references in a message's content, and masked links (Discord: reference, "Message Formatting").
var markup = regexp.MustCompile(`<@[!&]?(\d{1,20})>|<#(\d{1,20})>|<(/[^<>:\n]{1,100}):\d{1,20}>|<a?(:\w{1,64}:)\d{1,20}>|` +
	`<t:(-?\d{1,13})(?::([tTdDfFR]))?>|<id:(\w{1,32})>|<(https?://[^\s<>]+)>|\[([^\[\]\n]{1,500})\]\(<?(https?://[^\s<>()]+)>?(?: "[^"\n]*")?\)`)

// maxFileName bounds the name of a file, sticker or poll, in characters.
const maxFileName = 200

// plainText is what a person sees of m, without our own mention; mention says whether the bot was addressed.
func (a *Adapter) plainText(m *message) (body string, mention bool) {
	names := make(map[string]string, len(m.Mentions))
	bot := a.dir.botID()
	for i := range m.Mentions {
		u := &m.Mentions[i]
		names[u.ID.String()] = displayName(u, nil)
		if bot != 0 && u.ID == bot {
			mention = true // also a reply that pings
		}
	}
	content := m.Content
	for _, s := range m.Snapshots {
		content = strings.TrimSpace(content + "\n" + s.Message.Content)
	}
	body = markup.ReplaceAllStringFunc(content, func(token string) string {
		text, own := a.resolve(token, names)
		mention = mention || own
		return text
	})
	return strings.TrimSpace(body), mention
}

// resolve turns one match of markup into plain text; own says that it addressed the bot.
func (a *Adapter) resolve(token string, names map[string]string) (text string, own bool) {
	p := markup.FindStringSubmatch(token)
	switch {
	case p == nil:
		return token, false
	case p[1] != "" && strings.HasPrefix(token, "<@&"):
		return a.roleName(p[1])
	case p[1] != "":
		if bot := a.dir.botID(); bot != 0 && p[1] == bot.String() {
			return "", true
		}
		if name := names[p[1]]; name != "" {
			return "@" + name, false
		}
		return "@" + p[1], false
	case p[2] != "":
		id, err := parseSnowflake(p[2])
		if c, ok := a.dir.places.find(id); err == nil && ok && c.name != "" {
			return "#" + c.name, false
		}
		return "#" + p[2], false
	case p[5] != "":
		return timestamp(p[5], p[6]), false
	case p[7] != "":
		return "#" + p[7], false
	case p[9] != "":
		return p[9] + " (" + p[10] + ")", false
	}
	return p[3] + p[4] + p[8], false // a command, an emoji or an address: one of them
}

func (a *Adapter) roleName(raw string) (text string, own bool) {
	id, err := parseSnowflake(raw)
	if err != nil {
		return "@" + raw, false
	}
	if bot, ok := a.dir.botRoles.find(id); ok && bot == a.dir.botID() {
		return "", true
	}
	if name, ok := a.dir.roles.find(id); ok && name != "" {
		return "@" + strings.TrimPrefix(name, "@"), false
	}
	return "@" + raw, false
}

// timestamp writes <t:unix:style> in UTC, since nobody's time zone is known.
func timestamp(unix, style string) string {
	s, err := strconv.ParseInt(unix, 10, 64)
	if err != nil {
		return unix
	}
	layout := "2006-01-02 15:04 UTC"
	switch style {
	case "t":
		layout = "15:04 UTC"
	case "T":
		layout = "15:04:05 UTC"
	case "d", "D":
		layout = "2006-01-02"
	}
	return time.Unix(s, 0).UTC().Format(layout)
}

// fileNames names what came with a message and is not carried. Embeds count only if there is nothing else: Discord
// adds them to links by itself. So does a forwarded message of which nothing is known.
func fileNames(m *message, body string) []string {
	names := m.carried.names()
	embeds := len(m.Embeds)
	for _, s := range m.Snapshots {
		names = append(names, s.Message.names()...)
		embeds += len(s.Message.Embeds)
	}
	switch {
	case len(names) > 0 || body != "":
	case embeds > 0:
		names = []string{"embed"}
	case len(m.Snapshots) > 0:
		names = []string{"forwarded message"}
	}
	return names
}

// names are those of files, stickers and a poll.
func (c *carried) names() []string {
	var names []string
	add := func(name string) {
		names = append(names, cutRunes(strings.Join(strings.Fields(name), " "), maxFileName))
	}
	for _, f := range c.Attachments {
		switch {
		case f.Title != "":
			add(f.Title)
		case f.Filename != "":
			add(f.Filename)
		default:
			add("file")
		}
	}
	for _, s := range c.Stickers {
		add("sticker " + s.Name)
	}
	if name, ok := pollName(c.Poll); ok {
		add(name)
	}
	return names
}

func pollName(raw json.RawMessage) (string, bool) {
	var poll struct {
		Question struct {
			Text string `json:"text"`
		} `json:"question"`
	}
	if len(raw) == 0 || string(raw) == "null" || decode(raw, &poll) != nil {
		return "", false
	}
	return "poll " + poll.Question.Text, true
}
