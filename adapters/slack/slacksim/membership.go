package slacksim

import "fmt"

// memberEvent covers the events about a channel and its members.
type memberEvent struct {
	Type        string `json:"type"`
	User        string `json:"user,omitempty"`
	Channel     string `json:"channel,omitempty"`
	ChannelType string `json:"channel_type,omitempty"` // one letter here: C, G
	Team        string `json:"team,omitempty"`
	Inviter     string `json:"inviter,omitempty"`
	ActorID     string `json:"actor_id,omitempty"`
	EventTS     string `json:"event_ts"`
}

// JoinBot brings the bot into a channel.
func (s *Sim) JoinBot(id string) error {
	return s.with(id, func(ch *channel) {
		if ch.bot {
			return
		}
		ch.bot = true
		s.emit(memberEvent{Type: "member_joined_channel", User: s.cfg.BotUser, Channel: ch.id, ChannelType: ch.letter(), Team: s.cfg.TeamID, EventTS: s.nextTS()})
		s.publish(ch, &message{Message: Message{Channel: ch.id, TS: s.nextTS(), Subtype: "channel_join", User: s.cfg.BotUser,
			Text: "<@" + s.cfg.BotUser + "> has joined the channel"}})
	})
}

// KickBot takes the bot out of a channel; it hears channel_left (group_left) and then nothing more of it.
func (s *Sim) KickBot(id string) error {
	return s.with(id, func(ch *channel) {
		if !ch.bot {
			return
		}
		ch.bot = false
		s.emit(memberEvent{Type: ch.kind + "_left", Channel: ch.id, ActorID: "USLACKBOT", EventTS: s.nextTS()})
	})
}

// Leave takes a person out of a channel: chat.postEphemeral to them is refused.
func (s *Sim) Leave(id, user string) error {
	return s.with(id, func(ch *channel) { ch.absent[user] = true })
}

// Archive archives a channel, in the name of Slack's own bot.
func (s *Sim) Archive(id string) error { return s.archive(id, true, "archive") }

// Unarchive opens it again.
func (s *Sim) Unarchive(id string) error { return s.archive(id, false, "unarchive") }

func (s *Sim) archive(id string, archived bool, word string) error {
	return s.with(id, func(ch *channel) {
		if ch.archived == archived {
			return
		}
		ch.archived = archived
		s.publish(ch, &message{Message: Message{Channel: ch.id, TS: s.nextTS(), Subtype: ch.kind + "_" + word, User: "USLACKBOT", Text: word + "d the channel"}})
		if ch.bot {
			s.emit(memberEvent{Type: ch.kind + "_" + word, Channel: ch.id, User: "USLACKBOT", EventTS: s.nextTS()})
		}
	})
}

func (s *Sim) with(id string, f func(*channel)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[id]
	if ch == nil {
		return fmt.Errorf("no channel %s", id)
	}
	f(ch)
	s.changed()
	return nil
}

func (ch *channel) letter() string {
	if ch.kind == "group" {
		return "G"
	}
	return "C"
}

// Revoke makes a token answer with an error code (token_revoked, account_inactive, invalid_auth, token_expired);
// an empty code makes it valid again. Open sockets stay open, as at Slack.
func (s *Sim) Revoke(token, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[token] = code
	s.changed()
}

// SetBotToken replaces the bot token, as a rotation does: calls with the old one get token_revoked. Open sockets stay.
func (s *Sim) SetBotToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[s.cfg.BotToken] = "token_revoked"
	s.cfg.BotToken = token
	s.changed()
}

// Uninstall takes the app out of the workspace: tokens_revoked and app_uninstalled, then account_inactive.
func (s *Sim) Uninstall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emit(map[string]any{"type": "tokens_revoked", "tokens": map[string]any{"oauth": []string{}, "bot": []string{s.cfg.BotUser}}})
	s.emit(map[string]any{"type": "app_uninstalled"})
	s.revoked[s.cfg.BotToken] = "account_inactive"
}

// SetAppScopes replaces the scopes of the app token; at first it has connections:write.
func (s *Sim) SetAppScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appScopes = set(scopes)
}

// SetScopes replaces the scopes of the bot token.
func (s *Sim) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = set(scopes)
}
