package discordsim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// mentionDefault is what pings when allowed_mentions is missing.
type mentionDefault int

const (
	mentionAll   mentionDefault = iota // messages of bots
	mentionUsers                       // answers to interactions
)

// code matches code blocks and spans, where nothing pings.
var (
	code        = regexp.MustCompile("(?s)```.*?```|``.*?``|`[^`]*`")
	userMention = regexp.MustCompile(`<@!?(\d+)>`)
	roleMention = regexp.MustCompile(`<@&(\d+)>`)
)

// allowed is a parsed allowed_mentions.
type allowed struct {
	everyone, allUsers, allRoles, replied bool
	users, roles                          []string
}

func (s *Sim) parseAllowed(raw json.RawMessage) (allowed, *apiError) {
	var in struct {
		Parse       json.RawMessage `json:"parse"`
		Roles       []string        `json:"roles"`
		Users       []string        `json:"users"`
		RepliedUser bool            `json:"replied_user"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return allowed{}, invalid("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
	}
	var parse []string
	if string(in.Parse) == "null" {
		s.violate("allowed_mentions.parse is null; write []")
	} else if in.Parse != nil && json.Unmarshal(in.Parse, &parse) != nil {
		return allowed{}, invalid("allowed_mentions.parse", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
	}
	a := allowed{users: in.Users, roles: in.Roles, replied: in.RepliedUser}
	for _, p := range parse {
		switch p {
		case "everyone":
			a.everyone = true
		case "users":
			a.allUsers = true
		case "roles":
			a.allRoles = true
		default:
			return a, invalid("allowed_mentions.parse", "BASE_TYPE_CHOICES", "Value must be one of ('users', 'roles', 'everyone').")
		}
	}
	if a.allUsers && len(a.users) > 0 || a.allRoles && len(a.roles) > 0 {
		return a, invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse and the list of ids are mutually exclusive.")
	}
	if len(a.users) > 100 || len(a.roles) > 100 {
		return a, invalid("allowed_mentions", "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.")
	}
	return a, nil
}

// mention finds whom a message of the bot pings. A missing allowed_mentions is noted where the text could ping.
func (s *Sim) mention(m *message, raw json.RawMessage, byDefault mentionDefault) *apiError {
	a := allowed{allUsers: true, replied: true}
	if byDefault == mentionAll {
		a.everyone, a.allRoles = true, true
	}
	if len(raw) > 0 && string(raw) != "null" {
		var refusal *apiError
		if a, refusal = s.parseAllowed(raw); refusal != nil {
			return refusal
		}
	} else if strings.Contains(m.Content, "<@") || strings.Contains(m.Content, "@everyone") || strings.Contains(m.Content, "@here") {
		s.violate("message in channel %s with something like a mention and without allowed_mentions", m.ChannelID)
	}
	s.ping(m, a, s.botMay(s.channels[m.ChannelID], MentionEveryone))
	return nil
}

// ping sets the mentions of a message and whom it notifies: user ids, "role:<id>", "everyone", "here".
func (s *Sim) ping(m *message, a allowed, mayEveryone bool) {
	m.Mentions, m.MentionRoles, m.MentionEveryone, m.pings = []user{}, []string{}, false, nil
	notify := func(whom string) bool {
		if slices.Contains(m.pings, whom) {
			return false
		}
		m.pings = append(m.pings, whom)
		return true
	}
	text := code.ReplaceAllString(m.Content, "")
	for _, found := range userMention.FindAllStringSubmatch(text, -1) {
		u := s.users[found[1]]
		if u != nil && (a.allUsers || slices.Contains(a.users, u.ID)) && notify(u.ID) {
			m.Mentions = append(m.Mentions, *u)
		}
	}
	if ref := m.ReferencedMessage; ref != nil && m.Type == typeReply && a.replied && ref.WebhookID == "" && notify(ref.Author.ID) {
		m.Mentions = append(m.Mentions, ref.Author)
	}
	for _, found := range roleMention.FindAllStringSubmatch(text, -1) {
		if (a.allRoles || slices.Contains(a.roles, found[1])) && notify("role:"+found[1]) {
			m.MentionRoles = append(m.MentionRoles, found[1])
		}
	}
	for _, word := range []string{"everyone", "here"} {
		if a.everyone && mayEveryone && strings.Contains(text, "@"+word) {
			notify(word)
			m.MentionEveryone = true
		}
	}
}
