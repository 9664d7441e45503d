package slacksim

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"
)

// Message is a message as people see it.
type Message struct {
	Channel   string          `json:"channel"`
	TS        string          `json:"ts"`
	ThreadTS  string          `json:"thread_ts,omitempty"` // the root's ts in a reply; empty in a root
	Subtype   string          `json:"subtype,omitempty"`
	User      string          `json:"user,omitempty"` // empty for a bot under a custom name
	BotID     string          `json:"bot_id,omitempty"`
	Username  string          `json:"username,omitempty"` // the custom name
	IconURL   string          `json:"icon_url,omitempty"`
	IconEmoji string          `json:"icon_emoji,omitempty"`
	Text      string          `json:"text"` // as stored, with &amp; &lt; &gt; and <…> tokens
	Blocks    json.RawMessage `json:"blocks,omitempty"`
	Metadata  *Metadata       `json:"metadata,omitempty"`
	Files     []File          `json:"files,omitempty"`
	Reactions []string        `json:"reactions,omitempty"`
	EditedTS  string          `json:"edited_ts,omitempty"`
	Pings     []string        `json:"pings,omitempty"` // whom the app's message notifies: "channel", "here", "everyone", user and group ids
	For       string          `json:"for,omitempty"`   // an ephemeral message: the only person who sees it

	clientMsgID string
	attachments json.RawMessage
}

// Plain is the text with its three entities decoded.
func (m Message) Plain() string { return unescape.Replace(m.Text) }

// Metadata is what an app hangs on a message; visible to every app and member.
type Metadata struct {
	EventType    string          `json:"event_type"`
	EventPayload json.RawMessage `json:"event_payload"`
}

// File is a file shared with a message. In a Slack Connect channel only ID and FileAccess "check_file_info" are sent.
type File struct {
	ID                 string `json:"id"`
	Name               string `json:"name,omitempty"`
	Title              string `json:"title,omitempty"`
	Mimetype           string `json:"mimetype,omitempty"`
	Filetype           string `json:"filetype,omitempty"`
	Size               int    `json:"size,omitempty"`
	Mode               string `json:"mode,omitempty"`
	FileAccess         string `json:"file_access,omitempty"`
	IsExternal         bool   `json:"is_external,omitempty"`
	URLPrivate         string `json:"url_private,omitempty"`
	URLPrivateDownload string `json:"url_private_download,omitempty"`
	Permalink          string `json:"permalink,omitempty"`
}

// message is a stored message with its thread.
type message struct {
	Message
	replies []*message // of a root, oldest first
	deleted bool       // a root with replies stays as a tombstone
}

type channel struct {
	id, name string
	kind     string // channel, group, im
	person   string // of a direct message
	bot      bool   // the bot is a member
	archived bool
	shared   bool // with another organisation
	readOnly bool
	created  int64
	absent   map[string]bool // people who are not in the channel
	log      []*message      // all messages and replies, oldest first
	byTS     map[string]*message
	gone     map[string]bool // ts of deleted messages
}

// wire is a message in Slack's JSON, in events and in answers.
type wire struct {
	ClientMsgID     string          `json:"client_msg_id,omitempty"`
	Type            string          `json:"type"`
	Subtype         string          `json:"subtype,omitempty"`
	Hidden          bool            `json:"hidden,omitempty"`
	User            string          `json:"user,omitempty"`
	Inviter         string          `json:"inviter,omitempty"`
	Team            string          `json:"team,omitempty"`
	BotID           string          `json:"bot_id,omitempty"`
	AppID           string          `json:"app_id,omitempty"`
	BotProfile      *botProfile     `json:"bot_profile,omitempty"`
	Username        string          `json:"username,omitempty"`
	Icons           *icons          `json:"icons,omitempty"`
	Text            string          `json:"text"`
	Blocks          json.RawMessage `json:"blocks,omitempty"`
	Attachments     json.RawMessage `json:"attachments,omitempty"`
	Files           []File          `json:"files,omitempty"`
	Upload          bool            `json:"upload,omitempty"`
	Metadata        *Metadata       `json:"metadata,omitempty"`
	Reactions       []reaction      `json:"reactions,omitempty"`
	Edited          *edited         `json:"edited,omitempty"`
	TS              string          `json:"ts"`
	ThreadTS        string          `json:"thread_ts,omitempty"`
	ParentUserID    string          `json:"parent_user_id,omitempty"`
	ReplyCount      int             `json:"reply_count,omitempty"`
	ReplyUsersCount int             `json:"reply_users_count,omitempty"`
	LatestReply     string          `json:"latest_reply,omitempty"`
	ReplyUsers      []string        `json:"reply_users,omitempty"`
	Root            *wire           `json:"root,omitempty"`
	Channel         string          `json:"channel,omitempty"`
	ChannelType     string          `json:"channel_type,omitempty"`
	EventTS         string          `json:"event_ts,omitempty"`
}

type botProfile struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
	Name    string `json:"name"`
	Updated int64  `json:"updated"`
	AppID   string `json:"app_id"`
	Icons   icons  `json:"icons"`
	TeamID  string `json:"team_id"`
}

type icons struct {
	Emoji   string `json:"emoji,omitempty"`
	Image36 string `json:"image_36,omitempty"`
	Image48 string `json:"image_48,omitempty"`
	Image64 string `json:"image_64,omitempty"`
	Image72 string `json:"image_72,omitempty"`
}

type edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

type reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// wire gives the message as Slack's answers show it; events add to it. The lock is held.
func (s *Sim) wire(ch *channel, m *message) wire {
	w := wire{
		ClientMsgID: m.clientMsgID, Type: "message", Subtype: m.Subtype, User: m.User, BotID: m.BotID, Username: m.Username,
		Text: m.Text, Blocks: m.Blocks, Attachments: m.attachments, Files: m.Files, Metadata: m.Metadata, TS: m.TS, ThreadTS: m.ThreadTS,
	}
	w.Hidden = m.deleted
	if m.User != "" && !m.deleted {
		w.Team = s.cfg.TeamID
	}
	if m.BotID == s.cfg.BotID {
		w.AppID = s.cfg.AppID
		if m.Subtype != "bot_message" {
			w.BotProfile = &botProfile{ID: m.BotID, Name: s.cfg.BotName, AppID: s.cfg.AppID, TeamID: s.cfg.TeamID,
				Icons: icons{Image36: "https://a.slack-edge.com/bot.png"}}
		}
	}
	if m.IconEmoji != "" {
		w.Icons = &icons{Emoji: m.IconEmoji}
	} else if m.IconURL != "" {
		w.Icons = &icons{Image64: m.IconURL}
	}
	if m.EditedTS != "" {
		w.Edited = &edited{User: cmp.Or(m.User, m.BotID), TS: m.EditedTS}
	}
	for _, r := range m.Reactions {
		w.Reactions = append(w.Reactions, reaction{Name: r, Users: []string{s.cfg.BotUser}, Count: 1})
	}
	if root := ch.byTS[m.ThreadTS]; m.ThreadTS != "" && root != nil {
		w.ParentUserID = root.User
	}
	if n := len(m.replies); n > 0 {
		w.ThreadTS = m.TS
		w.ReplyCount = n
		w.LatestReply = m.replies[n-1].TS
		w.ReplyUsers = repliers(m)
		w.ReplyUsersCount = len(w.ReplyUsers)
	}
	return w
}

func repliers(root *message) []string {
	var users []string
	seen := map[string]bool{}
	for _, r := range root.replies {
		who := cmp.Or(r.User, r.BotID)
		if !seen[who] {
			seen[who] = true
			users = append(users, who)
		}
	}
	return users
}

var (
	escape   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

	// token is what stays a token when somebody types it: mentions, broadcasts, links.
	token = regexp.MustCompile(`<(?:@[UW]\w+|#C\w+|!(?:here|channel|everyone)|!subteam\^\w+|https?://[^\s<>|]+)(?:\|[^<>]*)?>|https?://[^\s<>|]+`)
	ping  = regexp.MustCompile(`<(?:@([UW]\w+)|!(here|channel|everyone)|!subteam\^(\w+))(?:\|[^<>]*)?>`)
)

// typed turns what a person types into the text Slack stores, with its rich_text block.
func typed(text string) (string, json.RawMessage) {
	type element map[string]any
	var out strings.Builder
	var elements []element
	plain := func(t string) {
		if t != "" {
			out.WriteString(escape.Replace(t))
			elements = append(elements, element{"type": "text", "text": t})
		}
	}
	rest := text
	for _, at := range token.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		plain(rest[:at[0]-(len(text)-len(rest))])
		rest = text[at[1]:]
		name, _, _ := strings.Cut(strings.Trim(word, "<>"), "|")
		switch {
		case name[0] == '@':
			elements = append(elements, element{"type": "user", "user_id": name[1:]})
		case name[0] == '#':
			elements = append(elements, element{"type": "channel", "channel_id": name[1:]})
		case strings.HasPrefix(name, "!subteam^"):
			elements = append(elements, element{"type": "usergroup", "usergroup_id": name[len("!subteam^"):]})
		case name[0] == '!':
			elements = append(elements, element{"type": "broadcast", "range": name[1:]})
		default:
			elements = append(elements, element{"type": "link", "url": name})
			if word[0] != '<' {
				word = "<" + escape.Replace(word) + ">"
			}
		}
		out.WriteString(word)
	}
	plain(rest)
	if len(elements) == 0 {
		return "", nil
	}
	return out.String(), encode([]any{element{"type": "rich_text", "block_id": "typed",
		"elements": []any{element{"type": "rich_text_section", "elements": elements}}}})
}

// pings lists whom the text notifies.
func pings(text string) []string {
	var who []string
	for _, m := range ping.FindAllStringSubmatch(text, -1) {
		who = append(who, m[1]+m[2]+m[3])
	}
	return who
}
