package discord

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Own shapes of what Discord sends, with nothing but what is used. The SDK's shapes fail as a whole over one unknown
// component, and a page of history with them.

// Channel types (Discord: resources/channel).
const (
	kindText         = 0
	kindAnnouncement = 5
	kindNewsThread   = 10
	kindThread       = 11
	kindPrivate      = 12
	kindForum        = 15
	kindMedia        = 16
)

// Message types that people write (Discord: resources/message).
const (
	typeDefault = 0
	typeReply   = 19
)

// flagHasThread: a thread was made from the message.
const flagHasThread = 1 << 5

// decode reads raw into v. A field of the wrong type is left empty and is no error; what is no JSON object at all is.
func decode(raw []byte, v any) error {
	err := json.Unmarshal(raw, v)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("decode %T: not the expected JSON", v)
	}
	return nil
}

type user struct {
	ID         snowflake `json:"id"`
	Username   string    `json:"username"`
	GlobalName string    `json:"global_name"`
	Bot        bool      `json:"bot"`
	Member     *member   `json:"member"` // in a message's mentions
}

type member struct {
	User  *user       `json:"user"`
	Nick  string      `json:"nick"`
	Roles []snowflake `json:"roles"`
}

type attachment struct {
	Filename string `json:"filename"`
	Title    string `json:"title"` // the name before Discord changed it
}

type message struct {
	ID        snowflake       `json:"id"`
	Channel   snowflake       `json:"channel_id"`
	Guild     snowflake       `json:"guild_id"` // never over REST
	Type      int             `json:"type"`
	Flags     int             `json:"flags"`
	Author    *user           `json:"author"`
	Member    *member         `json:"member"`
	Content   string          `json:"content"`
	Edited    string          `json:"edited_timestamp"`
	Webhook   snowflake       `json:"webhook_id"`
	Nonce     json.RawMessage `json:"nonce"` // string or number
	Mentions  []user          `json:"mentions"`
	Snapshots []snapshot      `json:"message_snapshots"`
	Thread    *channel        `json:"thread"`
	carried
}

// carried is what a message holds beside its text.
type carried struct {
	Attachments []attachment `json:"attachments"`
	Stickers    []struct {
		Name string `json:"name"`
	} `json:"sticker_items"`
	Embeds []json.RawMessage `json:"embeds"`
	Poll   json.RawMessage   `json:"poll"`
}

// snapshot is a forwarded message as it was.
type snapshot struct {
	Message struct {
		Content string `json:"content"`
		carried
	} `json:"message"`
}

// nonce is the message's nonce as text, "" without one.
func (m *message) nonce() string {
	if len(m.Nonce) == 0 || string(m.Nonce) == "null" {
		return ""
	}
	return string(bytes.Trim(m.Nonce, `"`))
}

// editedAt is when m was last changed by its author; false if it never was.
func (m *message) editedAt() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339Nano, m.Edited)
	return at.UTC(), err == nil
}

// human says whether a person wrote m with their own hands.
func (m *message) human() bool {
	return m.ID != 0 && m.Author != nil && m.Author.ID != 0 && !m.Author.Bot && m.Webhook == 0 &&
		(m.Type == typeDefault || m.Type == typeReply)
}

type channel struct {
	ID          snowflake       `json:"id"`
	Guild       snowflake       `json:"guild_id"`
	Parent      snowflake       `json:"parent_id"`
	Type        *int            `json:"type"`
	Name        string          `json:"name"`
	LastMessage snowflake       `json:"last_message_id"`
	Metadata    *threadMetadata `json:"thread_metadata"`
}

type threadMetadata struct {
	ArchivedAt string `json:"archive_timestamp"`
}

type role struct {
	ID   snowflake `json:"id"`
	Name string    `json:"name"`
	Tags *struct {
		Bot snowflake `json:"bot_id"`
	} `json:"tags"`
}

type guild struct {
	ID       snowflake `json:"id"`
	Channels []channel `json:"channels"`
	Threads  []channel `json:"threads"`
	Roles    []role    `json:"roles"`
}

type ready struct {
	Session     string `json:"session_id"`
	ResumeURL   string `json:"resume_gateway_url"`
	User        user   `json:"user"`
	Application struct {
		ID snowflake `json:"id"`
	} `json:"application"`
}

type interaction struct {
	ID          snowflake `json:"id"`
	Application snowflake `json:"application_id"`
	Type        int       `json:"type"`
	Token       string    `json:"token"`
	Guild       snowflake `json:"guild_id"`
	ChannelID   snowflake `json:"channel_id"`
	Channel     *channel  `json:"channel"`
	Member      *member   `json:"member"` // in a guild
	User        *user     `json:"user"`   // in a direct message
	Data        struct {
		Name     string `json:"name"`
		CustomID string `json:"custom_id"`
	} `json:"data"`
}
