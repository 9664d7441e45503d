package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	linkUses = 5 // of a response_url
	linkLife = 30 * time.Minute
)

// Interaction is a slash command, a click or a message shortcut on its way, and what became of it.
type Interaction struct {
	sim      *Sim
	id       string // the trigger_id
	link     string // last part of the response_url
	user     string
	channel  string
	original string // ts of the message clicked on
	private  bool   // the message clicked on is ephemeral
	begun    time.Time
	used     int

	acked     bool
	failed    string
	responses []Message
}

// Outcome is what became of an interaction.
type Outcome struct {
	Acked     bool      `json:"acked"`     // in time
	Error     string    `json:"error"`     // shown to the user: dispatch_failed
	Responses []Message `json:"responses"` // through the response_url or the acknowledgement, in order
}

// ID names the interaction at the control endpoints.
func (i *Interaction) ID() string { return i.id }

// Outcome tells what has become of the interaction by now.
func (i *Interaction) Outcome() Outcome {
	i.sim.mu.Lock()
	defer i.sim.mu.Unlock()
	return Outcome{Acked: i.acked, Error: i.failed, Responses: append([]Message(nil), i.responses...)}
}

func (s *Sim) begin(user, channelID string) (*Interaction, *channel, *User, error) {
	ch, u := s.channels[channelID], s.users[user]
	if ch == nil || u == nil {
		return nil, nil, nil, fmt.Errorf("no user %s or no channel %s", user, channelID)
	}
	i := &Interaction{sim: s, id: s.id("trigger."), link: s.id("r"), user: user, channel: channelID, begun: s.cfg.Now()}
	s.interactions[i.id] = i
	s.links[i.link] = i
	return i, ch, u, nil
}

func (i *Interaction) responseURL() string { return i.sim.base + "/response/" + i.link }

// Slash types a command into the composer of a channel or direct message; Slack has none in threads.
func (s *Sim) Slash(user, channel, command, text string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.offers(command) {
		return nil, fmt.Errorf("slash: no command %s", command)
	}
	i, ch, u, err := s.begin(user, channel)
	if err != nil {
		return nil, err
	}
	escaped, _ := typed(text)
	s.dispatch("slash_commands", i, map[string]any{
		"token": "sim-verification-token", "api_app_id": s.cfg.AppID, "team_id": s.cfg.TeamID, "team_domain": "simulated",
		"channel_id": channel, "channel_name": shownName(ch), "user_id": user, "user_name": u.Name, "command": command, "text": escaped,
		"response_url": i.responseURL(), "trigger_id": i.id, "is_enterprise_install": "false",
	})
	return i, nil
}

func (s *Sim) dispatch(kind string, i *Interaction, payload any) {
	s.deliver(&delivery{kind: kind, name: i.id, payload: encode(payload), action: i})
	s.changed()
}

// Click presses a button of a message, an ephemeral one too. value picks among buttons of one action_id; "" takes the
// first.
func (s *Sim) Click(user, channel, ts, actionID, value string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, private := s.shown(user, channel, ts)
	if m == nil {
		return nil, fmt.Errorf("click: no message %s in %s for %s", ts, channel, user)
	}
	raw, blockID := button(m.Blocks, actionID, value)
	if raw == nil {
		return nil, fmt.Errorf("click: message %s has no button %s", ts, actionID)
	}
	if s.settings != nil && !s.settings.clicks {
		return nil, errors.New("click: Interactivity is off")
	}
	i, ch, u, err := s.begin(user, channel)
	if err != nil {
		return nil, err
	}
	i.original, i.private = ts, private
	var action map[string]any
	if err := json.Unmarshal(raw, &action); err != nil {
		return nil, fmt.Errorf("click: %w", err)
	}
	delete(action, "confirm")
	action["block_id"], action["action_ts"] = blockID, s.nextTS()
	container := map[string]any{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": private}
	payload := s.interactive("block_actions", i, ch)
	payload["api_app_id"] = s.cfg.AppID
	payload["user"] = map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": s.cfg.TeamID}
	payload["actions"] = []any{action}
	payload["container"] = container
	payload["state"] = map[string]any{"values": map[string]any{}}
	if !private {
		w := s.answerMessage(ch, m)
		payload["message"] = w
		container["thread_ts"] = w.ThreadTS
	} else {
		container["thread_ts"] = m.ThreadTS
	}
	if container["thread_ts"] == "" {
		delete(container, "thread_ts")
	}
	s.dispatch("interactive", i, payload)
	return i, nil
}

// shown finds the message a person sees under a ts.
func (s *Sim) shown(user, channel, ts string) (m *message, private bool) {
	if ch := s.channels[channel]; ch != nil && ch.byTS[ts] != nil {
		return ch.byTS[ts], false
	}
	for _, e := range s.ephemerals {
		if e.TS == ts && e.For == user && e.Channel == channel {
			return &message{Message: e}, true
		}
	}
	return nil, false
}

func (s *Sim) interactive(kind string, i *Interaction, ch *channel) map[string]any {
	return map[string]any{
		"type": kind, "token": "sim-verification-token", "enterprise": nil, "is_enterprise_install": false,
		"team":    map[string]any{"id": s.cfg.TeamID, "domain": "simulated"},
		"channel": map[string]any{"id": ch.id, "name": shownName(ch)}, "trigger_id": i.id, "response_url": i.responseURL(),
	}
}

// Shortcut uses a message shortcut.
func (s *Sim) Shortcut(user, channel, ts, callbackID string) (*Interaction, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[channel]; c == nil || c.byTS[ts] == nil {
		return nil, fmt.Errorf("shortcut: no message %s in %s", ts, channel)
	}
	if !s.offers(callbackID) {
		return nil, fmt.Errorf("shortcut: none with the callback id %s", callbackID)
	}
	i, ch, u, err := s.begin(user, channel)
	if err != nil {
		return nil, err
	}
	w := s.answerMessage(ch, ch.byTS[ts])
	i.original = ts
	payload := s.interactive("message_action", i, ch)
	payload["user"] = map[string]any{"id": u.ID, "name": u.Name, "team_id": s.cfg.TeamID}
	payload["callback_id"], payload["message_ts"], payload["action_ts"], payload["message"] = callbackID, ts, s.nextTS(), w
	s.dispatch("interactive", i, payload)
	return i, nil
}

// shownName is what payloads call a channel.
func shownName(ch *channel) string {
	if ch.kind == "im" {
		return "directmessage"
	}
	return ch.name
}

// actionAcknowledged takes a response that rode along with the acknowledgement. The lock is held.
func (s *Sim) actionAcknowledged(i *Interaction, payload json.RawMessage) {
	i.acked = true
	if len(payload) == 0 || string(payload) == "null" {
		return
	}
	a, bad := jsonArgs(payload)
	if bad == nil {
		bad = s.respond(i, a)
	}
	if bad != nil {
		s.violate("response with the acknowledgement refused: %s", bad.code)
	}
}

func (s *Sim) serveResponse(w http.ResponseWriter, r *http.Request) {
	a, bad := readArgs(w, r)
	link := r.PathValue("link")
	s.answer(w, r, "response_url", a, func() (answer, *refusal) {
		i := s.links[link]
		switch {
		case bad != nil:
			return nil, bad
		case i == nil:
			return nil, refuse("invalid_url")
		case s.cfg.Now().Sub(i.begun) > linkLife:
			return nil, refuse("expired_url")
		case i.used >= linkUses:
			return nil, refuse("used_url")
		}
		i.used++
		return answer{}, s.respond(i, a)
	})
}

// respond shows a response: to the person alone, or to the channel, in place of the message clicked on, or instead
// removes that. It needs no membership of the bot.
func (s *Sim) respond(i *Interaction, a args) *refusal {
	ch := s.channels[i.channel]
	if a.flag("delete_original") {
		s.removeOriginal(ch, i)
		return nil
	}
	delete(a, "metadata") // a response has none; clients send an empty one
	d, bad := s.draft(a)
	if bad != nil {
		return bad
	}
	d.Channel, d.ThreadTS = ch.id, a["thread_ts"]
	if root := ch.byTS[d.ThreadTS]; root == nil || root.deleted {
		d.ThreadTS = ""
	}
	if a.flag("replace_original") && i.original != "" && !i.private && ch.byTS[i.original] != nil {
		s.rewrite(ch, ch.byTS[i.original], d)
		i.responses = append(i.responses, ch.byTS[i.original].Message)
		return nil
	}
	if a.flag("replace_original") {
		s.removeOriginal(ch, i)
	}
	d.TS = s.nextTS()
	if strings.EqualFold(a["response_type"], "in_channel") {
		s.publish(ch, d)
	} else {
		d.For = i.user
		i.original, i.private = d.TS, true // what a later replace_original replaces
		s.ephemerals = append(s.ephemerals, d.Message)
	}
	i.responses = append(i.responses, d.Message)
	return nil
}

func (s *Sim) removeOriginal(ch *channel, i *Interaction) {
	if !i.private {
		if m := ch.byTS[i.original]; m != nil && !m.deleted {
			s.remove(ch, m)
		}
		return
	}
	kept := s.ephemerals[:0]
	for _, e := range s.ephemerals {
		if e.TS != i.original {
			kept = append(kept, e)
		}
	}
	s.ephemerals = kept
}
