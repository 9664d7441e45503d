package slack

import (
	"encoding/json"

	"ccbridge/bridge"
)

// eventPayload is the outer part of an Events API envelope.
type eventPayload struct {
	TeamID         string          `json:"team_id"`
	AppID          string          `json:"api_app_id"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	ExtShared      bool            `json:"is_ext_shared_channel"`
	Authorizations []authorization `json:"authorizations"`
	Event          json.RawMessage `json:"event"`
}

type authorization struct {
	TeamID string `json:"team_id"`
}

// ours reports whether the event belongs to the workspace whose bot token we have. One app may be installed in several
// workspaces, and all of them come over the same sockets. In a shared channel either side may be named.
func (p eventPayload) ours(team string) bool {
	if p.ExtShared || p.TeamID == team || p.TeamID == "" {
		return true
	}
	if len(p.Authorizations) == 0 {
		return false
	}
	return p.Authorizations[0].TeamID == team || p.Authorizations[0].TeamID == ""
}

// innerEvent is what all inner events have, and what the ones that end a place have. Fields that are of another type
// in other events (channel) are decoded where they are used.
type innerEvent struct {
	Type       string          `json:"type"`
	User       json.RawMessage `json:"user"`
	Channel    json.RawMessage `json:"channel"`
	OldChannel string          `json:"old_channel_id"`
	Tokens     struct {
		Bot []string `json:"bot"`
	} `json:"tokens"`
}

// message is a message event, and a message in a history.
type message struct {
	Subtype     string            `json:"subtype"`
	Channel     string            `json:"channel"`
	User        string            `json:"user"`
	BotID       string            `json:"bot_id"`
	AppID       string            `json:"app_id"`
	Text        string            `json:"text"`
	TS          string            `json:"ts"`
	ThreadTS    string            `json:"thread_ts"`
	DeletedTS   string            `json:"deleted_ts"`
	Edited      *edited           `json:"edited"`
	Files       []file            `json:"files"`
	Attachments []json.RawMessage `json:"attachments"`
	UserProfile *userProfile      `json:"user_profile"`
	Message     *message          `json:"message"`
	Previous    *message          `json:"previous_message"`
}

type edited struct {
	TS string `json:"ts"`
}

type file struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
}

type userProfile struct {
	DisplayName string `json:"display_name"`
	RealName    string `json:"real_name"`
	Name        string `json:"name"`
}

// root reports whether the message begins a thread, or could.
func (m *message) root() bool { return m.ThreadTS == "" || m.ThreadTS == m.TS }

// goneKey is the thread key of an event that concerns a whole channel, or with "" the installation.
func (a *Adapter) goneKey(team, channel string) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: a.cfg.Name, Space: team, Channel: channel}
}
