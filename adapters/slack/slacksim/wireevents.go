package slacksim

import "fmt"

// changedEvent is message_changed.
type changedEvent struct {
	Type            string `json:"type"`
	Subtype         string `json:"subtype"`
	Hidden          bool   `json:"hidden"`
	Channel         string `json:"channel"`
	ChannelType     string `json:"channel_type"`
	Message         wire   `json:"message"`
	PreviousMessage wire   `json:"previous_message"`
	TS              string `json:"ts"`
	EventTS         string `json:"event_ts"`
}

// deletedEvent is message_deleted.
type deletedEvent struct {
	Type            string `json:"type"`
	Subtype         string `json:"subtype"`
	Hidden          bool   `json:"hidden"`
	Channel         string `json:"channel"`
	ChannelType     string `json:"channel_type"`
	DeletedTS       string `json:"deleted_ts"`
	PreviousMessage wire   `json:"previous_message"`
	TS              string `json:"ts"`
	EventTS         string `json:"event_ts"`
}

// mentionEvent is app_mention. It has no channel_type and no parent_user_id.
type mentionEvent struct {
	wire
	ChannelType  string `json:"channel_type,omitempty"`
	ParentUserID string `json:"parent_user_id,omitempty"`
}

// messageEvent is the event of a new message.
func (s *Sim) messageEvent(ch *channel, m *message) wire {
	w := s.inner(ch, m)
	w.Channel, w.ChannelType, w.EventTS = ch.id, ch.kind, m.TS
	if len(m.Files) == 0 && m.Subtype == "" {
		w.Metadata = m.Metadata
	}
	if m.Subtype != "" {
		w.Team, w.BotProfile = "", nil
	}
	switch m.Subtype {
	case "bot_message":
		w.ParentUserID = ""
	case "thread_broadcast":
		w.ParentUserID = ""
		if root := ch.byTS[m.ThreadTS]; root != nil {
			r := s.inner(ch, root)
			r.ClientMsgID, r.Blocks, r.Attachments, r.Files = "", nil, nil, nil
			w.Root = &r
		}
	}
	return w
}

// inner is a message inside an event: without what only answers show (app_id, who replied, metadata).
func (s *Sim) inner(ch *channel, m *message) wire {
	w := s.wire(ch, m)
	w.AppID, w.ReplyUsers, w.Metadata, w.Reactions = "", nil, nil, nil
	return w
}

// mention turns a message event into the app_mention of the same post.
func mention(ev wire) mentionEvent {
	ev.Type = "app_mention"
	ev.Root = nil
	return mentionEvent{wire: ev}
}

func tsOf(micro int64) string { return fmt.Sprintf("%d.%06d", micro/1e6, micro%1e6) }
