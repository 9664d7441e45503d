package discordsim

import (
	"encoding/json"
	"slices"
	"time"
)

// View shows what there is. It is valid only inside the function it was given to.
type View struct{ s *Sim }

// Message is a message as people see it.
type Message struct {
	ID          string   `json:"id"`
	Channel     string   `json:"channel"`
	Type        int      `json:"type"`
	Author      string   `json:"author"` // user id; of a webhook its id
	FromBot     bool     `json:"from_bot"`
	Content     string   `json:"content"`
	Nonce       string   `json:"nonce,omitempty"` // as JSON
	ReplyTo     string   `json:"reply_to,omitempty"`
	Buttons     []Button `json:"buttons,omitempty"`
	Files       []string `json:"files,omitempty"`
	Reactions   []string `json:"reactions,omitempty"`
	Pings       []string `json:"pings,omitempty"` // whom it notified: user ids, "role:<id>", "everyone", "here"
	Embeds      int      `json:"embeds,omitempty"`
	Edited      bool     `json:"edited,omitempty"`
	Loading     bool     `json:"loading,omitempty"`      // a deferred answer still thinking
	EphemeralTo string   `json:"ephemeral_to,omitempty"` // the only user who sees it
}

// Button is a button below a message.
type Button struct {
	CustomID string `json:"custom_id"`
	Label    string `json:"label"`
	Style    int    `json:"style"`
	Disabled bool   `json:"disabled,omitempty"`
}

// Thread is the state of a thread.
type Thread struct {
	ID       string `json:"id"`
	Parent   string `json:"parent"`
	Name     string `json:"name"`
	Owner    string `json:"owner"`
	Archived bool   `json:"archived"`
	Locked   bool   `json:"locked"`
	Private  bool   `json:"private"`
	Deleted  bool   `json:"deleted"`
}

// Interaction is what became of a command or a click.
type Interaction struct {
	ID           string    `json:"id"`
	Received     bool      `json:"received"`     // a gateway session was there
	Acknowledged bool      `json:"acknowledged"` // in time
	Deferred     bool      `json:"deferred"`
	Ephemeral    bool      `json:"ephemeral"`
	Loading      bool      `json:"loading"` // deferred, and no final text yet
	Failed       bool      `json:"failed"`  // no answer in 3 s: "The application did not respond"
	Answers      []Message `json:"answers"` // in order, deleted ones left out
}

// Call is one REST call.
type Call struct {
	At      time.Time       `json:"at"`
	Route   string          `json:"route"`
	Path    string          `json:"path"` // without /api/v9; may hold an interaction's token
	Query   string          `json:"query,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	Status  int             `json:"status"`            // what was decided, though the answer may have been lost
	Code    int             `json:"code,omitempty"`    // Discord's error code
	Faulted bool            `json:"faulted,omitempty"` // a fault answered; nothing was done
	Lost    bool            `json:"lost,omitempty"`    // the client did not get the true answer
}

// Session is a gateway session.
type Session struct {
	ID        string `json:"id"`
	Intents   int    `json:"intents"`
	Seq       int64  `json:"seq"`
	Connected bool   `json:"connected"`
}

// GatewayState counts what happened at the gateway since the start.
type GatewayState struct {
	Open       int       `json:"open"`       // connections now
	Connected  int       `json:"connected"`  // connections made
	Identified int       `json:"identified"` // Identify with a good token, of the last 24 h
	Resumed    int       `json:"resumed"`    // Resume that succeeded
	Heartbeats int       `json:"heartbeats"` // received
	Sessions   []Session `json:"sessions"`
}

func (s *Sim) note(c Call) {
	if !json.Valid(c.Body) {
		c.Body = nil
	}
	if len(s.calls) >= 2*keptCalls {
		s.calls = slices.Clone(s.calls[len(s.calls)-keptCalls:])
	}
	s.calls = append(s.calls, c)
	s.changedLocked()
}

func seen(m *message) Message {
	v := Message{
		ID: m.ID, Channel: m.ChannelID, Type: m.Type, Author: m.Author.ID, FromBot: m.Author.Bot, Content: m.Content,
		Nonce: string(m.Nonce), Buttons: m.buttons(), Pings: slices.Clone(m.pings), Embeds: len(m.Embeds),
		Edited: m.EditedTimestamp != nil, Loading: m.Flags&flagLoading != 0, EphemeralTo: m.visibleTo,
		Reactions: slices.Clone(m.reactions),
	}
	if m.MessageReference != nil && m.Type == typeReply {
		v.ReplyTo = m.MessageReference.MessageID
	}
	for _, a := range m.Attachments {
		v.Files = append(v.Files, a.Filename)
	}
	return v
}

// Messages lists what stands in a channel or thread, oldest first: deleted messages are gone, ephemeral ones are here.
func (v *View) Messages(channelID string) []Message {
	list := []Message{}
	if ch := v.s.channels[channelID]; ch != nil {
		for _, m := range ch.messages {
			if !m.deleted {
				list = append(list, seen(m))
			}
		}
	}
	return list
}

// Count is the number of messages ever stored in a channel, ephemeral and deleted ones included. It is cheap.
func (v *View) Count(channelID string) int {
	if ch := v.s.channels[channelID]; ch != nil {
		return len(ch.messages)
	}
	return 0
}

// Thread finds a thread, a deleted one too.
func (v *View) Thread(id string) (Thread, bool) {
	t := v.s.channels[id]
	if t == nil || !t.kind.isThread() {
		return Thread{}, false
	}
	return Thread{ID: t.id, Parent: t.parent, Name: t.name, Owner: t.owner, Archived: t.archived, Locked: t.locked,
		Private: t.kind == privateThread, Deleted: t.deleted}, true
}

// Threads lists the threads of a channel, in the order they were started.
func (v *View) Threads(parentID string) []Thread {
	list := []Thread{}
	parent := v.s.channels[parentID]
	if parent == nil || v.s.guilds[parent.guild] == nil {
		return list
	}
	for _, c := range v.s.guilds[parent.guild].channels {
		if t, ok := v.Thread(c.id); ok && t.Parent == parentID && !t.Deleted {
			list = append(list, t)
		}
	}
	return list
}

// Interaction finds an interaction by the id that Slash or Click gave.
func (v *View) Interaction(id string) (Interaction, bool) {
	x := v.s.actions[id]
	if x == nil {
		return Interaction{}, false
	}
	i := Interaction{ID: id, Received: x.received, Acknowledged: x.acked, Deferred: x.deferred, Ephemeral: x.ephemeral,
		Failed: x.failed(v.s.now()), Answers: []Message{}}
	for _, m := range x.answers {
		if !m.deleted {
			i.Answers = append(i.Answers, seen(m))
			i.Loading = i.Loading || m.Flags&flagLoading != 0
		}
	}
	return i, true
}

// Commands lists the names of a guild's commands, or with "" of the global ones.
func (v *View) Commands(guildID string) []string {
	list := []string{}
	for _, o := range v.s.commands[guildID] {
		name, _ := o["name"].(string)
		list = append(list, name)
	}
	return list
}

// Calls lists the REST calls, at least the last 100,000.
func (v *View) Calls() []Call { return slices.Clone(v.s.calls) }

// Violations lists the client's breaks of rules.
func (v *View) Violations() []string { return slices.Clone(v.s.violations) }

// Gateway is the state of the gateway.
func (v *View) Gateway() GatewayState {
	g := &v.s.gateway
	state := GatewayState{Open: len(g.conns), Connected: g.connected, Identified: g.identifies.within(v.s.now()), Resumed: g.resumed, Heartbeats: g.heartbeats, Sessions: []Session{}}
	for _, x := range g.sessions {
		state.Sessions = append(state.Sessions, Session{ID: x.id, Intents: x.intents, Seq: x.seq, Connected: x.conn != nil})
	}
	return state
}

// View runs f with a view of one moment.
func (s *Sim) View(f func(*View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&View{s})
}

// Messages is View.Messages of this moment.
func (s *Sim) Messages(channelID string) (list []Message) {
	s.View(func(v *View) { list = v.Messages(channelID) })
	return list
}

// Calls is View.Calls of this moment.
func (s *Sim) Calls() (list []Call) {
	s.View(func(v *View) { list = v.Calls() })
	return list
}

// Violations is View.Violations of this moment.
func (s *Sim) Violations() (list []string) {
	s.View(func(v *View) { list = v.Violations() })
	return list
}

// Interaction is View.Interaction of this moment.
func (s *Sim) Interaction(id string) (i Interaction, ok bool) {
	s.View(func(v *View) { i, ok = v.Interaction(id) })
	return i, ok
}
