package discordsim

import (
	"encoding/json"
	"fmt"
	"time"
)

// The JSON of the API. Names and null-ness follow the schemas of Discord's OpenAPI document (MessageResponse,
// UserResponse, ThreadResponse, …).

// object is a JSON object built in place.
type object = map[string]any

// ChannelType is Discord's channel type.
type ChannelType int

// The channel types served.
const (
	Text               ChannelType = 0
	dmChannel          ChannelType = 1
	Voice              ChannelType = 2
	Category           ChannelType = 4
	Announcement       ChannelType = 5
	announcementThread ChannelType = 10
	publicThread       ChannelType = 11
	privateThread      ChannelType = 12
	Forum              ChannelType = 15
)

func (t ChannelType) isThread() bool { return t >= announcementThread && t <= privateThread }

// Message types: 0 default, 18 "started a thread", 19 reply, 20 answer to a command, 21 first message of a thread.
const (
	typeDefault       = 0
	typeThreadCreated = 18
	typeReply         = 19
	typeCommand       = 20
	typeStarter       = 21
	typeContextMenu   = 23
)

// Message flags.
const (
	flagSuppressEmbeds   = 1 << 2
	flagHasThread        = 1 << 5
	flagEphemeral        = 1 << 6
	flagLoading          = 1 << 7
	flagSuppressNotices  = 1 << 12
	flagComponentsV2     = 1 << 15
	flagHasSnapshot      = 1 << 14
	flagsAllowedInCreate = flagSuppressEmbeds | flagSuppressNotices | flagComponentsV2
)

type user struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	Discriminator string  `json:"discriminator"`
	GlobalName    *string `json:"global_name"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`
	PublicFlags   int     `json:"public_flags"`
	Flags         int     `json:"flags"`
	PrimaryGuild  any     `json:"primary_guild"`

	nick      string
	roles     []string
	dmsClosed bool
}

// member is the part of a guild member that rides on messages and interactions.
func (u *user) member() object {
	var nick any
	if u.nick != "" {
		nick = u.nick
	}
	roles := u.roles
	if roles == nil {
		roles = []string{}
	}
	return object{
		"roles": roles, "nick": nick, "avatar": nil, "banner": nil, "premium_since": nil,
		"joined_at": stamp(epoch.Add(24 * time.Hour)), "communication_disabled_until": nil,
		"flags": 0, "pending": false, "mute": false, "deaf": false,
	}
}

type attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Title       string `json:"title,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Size        int    `json:"size"`
	URL         string `json:"url"`
	ProxyURL    string `json:"proxy_url"`

	data []byte
}

type reference struct {
	Type      int    `json:"type"`
	MessageID string `json:"message_id,omitempty"`
	ChannelID string `json:"channel_id"`
	GuildID   string `json:"guild_id,omitempty"`
}

type sticker struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	FormatType int    `json:"format_type"`
}

type message struct {
	ID                  string            `json:"id"`
	ChannelID           string            `json:"channel_id"`
	GuildID             string            `json:"guild_id,omitempty"` // in events only
	Type                int               `json:"type"`
	Author              user              `json:"author"`
	Member              object            `json:"member,omitempty"` // in events only
	Content             string            `json:"content"`
	Timestamp           string            `json:"timestamp"`
	EditedTimestamp     *string           `json:"edited_timestamp"`
	TTS                 bool              `json:"tts"`
	MentionEveryone     bool              `json:"mention_everyone"`
	Mentions            []user            `json:"mentions"`
	MentionRoles        []string          `json:"mention_roles"`
	Attachments         []attachment      `json:"attachments"`
	Embeds              []json.RawMessage `json:"embeds"`
	Components          []json.RawMessage `json:"components"`
	Pinned              bool              `json:"pinned"`
	Flags               int               `json:"flags"`
	Nonce               json.RawMessage   `json:"nonce,omitempty"` // in the answer to the post and its event only
	WebhookID           string            `json:"webhook_id,omitempty"`
	ApplicationID       string            `json:"application_id,omitempty"`
	MessageReference    *reference        `json:"message_reference,omitempty"`
	ReferencedMessage   *message          `json:"referenced_message,omitempty"`
	MessageSnapshots    []json.RawMessage `json:"message_snapshots,omitempty"`
	StickerItems        []sticker         `json:"sticker_items,omitempty"`
	Thread              object            `json:"thread,omitempty"`
	InteractionMetadata object            `json:"interaction_metadata,omitempty"`

	num       uint64
	pings     []string
	visibleTo string // user id of an ephemeral message
	deleted   bool
	reactions []string
}

// channel is a channel, thread or direct message channel.
type channel struct {
	id, guild, parent, name, owner string
	kind                           ChannelType
	recipient                      string // of a direct message channel
	overwrites                     []overwrite
	rules                          ForumRules
	messages                       []*message
	last                           string
	total                          int
	deleted                        bool

	archived, locked bool
	archiveStamp     time.Time
	created          time.Time
	autoArchive      int
	members          map[string]bool
}

type guild struct {
	id       string
	channels []*channel // in order of creation, threads included
	roles    map[string]*role
	absent   bool // the bot was removed
	out      bool // outage

	botRoles   []string
	botTimeout time.Time // until when it may not write
	noCommands bool      // the bot was invited without the scope applications.commands
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func orNil(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// wire is the channel as REST and events show it. The caller holds the lock.
func (s *Sim) wire(c *channel) object {
	o := object{"id": c.id, "type": int(c.kind), "flags": 0, "last_message_id": orNil(c.last)}
	switch {
	case c.kind == dmChannel:
		o["recipients"] = []user{*s.users[c.recipient]}
		return o
	case c.kind.isThread():
		alive := 0
		for _, m := range c.messages {
			if !m.deleted {
				alive++
			}
		}
		o["owner_id"] = c.owner
		o["message_count"], o["total_message_sent"] = alive, c.total
		o["member_count"] = min(len(c.members), 50)
		o["rate_limit_per_user"] = 0
		o["thread_metadata"] = object{
			"archived": c.archived, "locked": c.locked, "auto_archive_duration": c.autoArchive,
			"archive_timestamp": stamp(c.archiveStamp), "create_timestamp": stamp(c.created),
		}
		if c.members[s.bot.ID] {
			o["member"] = s.threadMember(c)
		}
	default:
		o["position"], o["permission_overwrites"], o["nsfw"], o["topic"] = 0, append([]overwrite{}, c.overwrites...), false, nil
		o["rate_limit_per_user"] = 0
		if c.kind == Forum {
			s.wireForum(c, o)
		}
	}
	o["guild_id"], o["name"], o["parent_id"] = c.guild, c.name, orNil(c.parent)
	return o
}

// wireForum adds what only forums have.
func (s *Sim) wireForum(c *channel, o object) {
	tags := []object{}
	for i, name := range c.rules.Tags {
		tags = append(tags, object{"id": fmt.Sprintf("%s%02d", c.id, i), "name": name, "moderated": c.rules.Moderated, "emoji_id": nil, "emoji_name": nil})
	}
	o["available_tags"] = tags
	if c.rules.RequireTag {
		o["flags"] = flagRequireTag
	}
}

func (s *Sim) threadMember(c *channel) object {
	return object{"id": c.id, "user_id": s.bot.ID, "join_timestamp": stamp(c.created), "flags": 0}
}
