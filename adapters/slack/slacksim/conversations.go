package slacksim

import (
	"slices"
	"strconv"
	"strings"
)

// readable is a channel the bot may read, with the scope its kind needs.
func (s *Sim) readable(id, right string) (*channel, *refusal) {
	ch := s.channels[id]
	if ch == nil {
		return nil, refuse("channel_not_found")
	}
	if bad := s.needs(scopeOf(ch.kind, right)); bad != nil {
		return nil, bad
	}
	switch {
	case !ch.bot && ch.kind == "group":
		return nil, refuse("channel_not_found")
	case !ch.bot && right == "history":
		return nil, refuse("not_in_channel")
	}
	return ch, nil
}

func scopeOf(kind, right string) string {
	if kind == "im" {
		return "im:" + right
	}
	return kind + "s:" + right
}

// window is the part of the messages a call asks for.
type window struct {
	oldest, latest string
	inclusive      bool
	limit          int
	cursor         string // ts of the last message of the page before
}

func (s *Sim) window(a args, standard int) (window, *refusal) {
	w := window{oldest: a["oldest"], latest: a["latest"], inclusive: a.flag("inclusive"), limit: standard}
	if t := a["limit"]; t != "" && t != "0" {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 || n > 1000 {
			return w, refuse("invalid_limit")
		}
		w.limit = n
	}
	if s.cfg.Distributed {
		w.limit = min(w.limit, 15)
	}
	if most := s.cfg.PageSize; most > 0 {
		w.limit = min(w.limit, most)
	}
	for _, ts := range []*string{&w.oldest, &w.latest} {
		full, ok := fullTS(*ts)
		if !ok {
			return w, refuse("invalid_arguments")
		}
		*ts = full
	}
	if c := a["cursor"]; c != "" {
		ts, ok := strings.CutPrefix(c, "next_ts:")
		if !ok || !tsPattern.MatchString(ts) {
			return w, refuse("invalid_cursor")
		}
		w.cursor = ts
	}
	return w, nil
}

// fullTS pads "1700000000" or "1700000000.5" so that times compare as strings; "" and "0" mean open.
func fullTS(ts string) (string, bool) {
	if ts == "" || strings.Trim(ts, "0.") == "" {
		return "", true
	}
	whole, part, _ := strings.Cut(ts, ".")
	if len(whole) > 10 || len(part) > 6 {
		return "", false
	}
	full := strings.Repeat("0", 10-len(whole)) + whole + "." + part + strings.Repeat("0", 6-len(part))
	return full, tsPattern.MatchString(full)
}

// has says whether ts lies between oldest and latest.
func (w window) has(ts string) bool {
	after := w.oldest == "" || ts > w.oldest || w.inclusive && ts == w.oldest
	before := w.latest == "" || ts < w.latest || w.inclusive && ts == w.latest
	return after && before
}

// visible leaves out what a lagging read side does not show yet.
func (s *Sim) visible(m *message) bool {
	return s.readLag == 0 || m.TS < tsOf(s.cfg.Now().Add(-s.readLag).UnixMicro())
}

func (s *Sim) page(ch *channel, list []*message, w window, a args) answer {
	more := len(list) > w.limit
	list = list[:min(len(list), w.limit)]
	out := make([]wire, 0, len(list)+1)
	for _, m := range list {
		out = append(out, s.read1(ch, m, a))
	}
	ans := answer{"messages": out, "has_more": more}
	if more {
		ans["response_metadata"] = map[string]any{"next_cursor": "next_ts:" + list[len(list)-1].TS}
	}
	return ans
}

func (s *Sim) read1(ch *channel, m *message, a args) wire {
	out := s.wire(ch, m)
	if !a.flag("include_all_metadata") {
		out.Metadata = nil
	}
	return out
}

// history is Slack's conversations.history: newest first, without replies but for those sent to the channel too.
func (s *Sim) history(a args) (answer, *refusal) {
	ch, bad := s.readable(a["channel"], "history")
	if bad != nil {
		return nil, bad
	}
	w, bad := s.window(a, 100)
	if bad != nil {
		return nil, bad
	}
	var list []*message
	for _, m := range slices.Backward(ch.log) {
		if len(list) > w.limit || w.oldest != "" && m.TS < w.oldest {
			break
		}
		if (m.ThreadTS == "" || m.Subtype == "thread_broadcast") && w.has(m.TS) && (w.cursor == "" || m.TS < w.cursor) && s.visible(m) {
			list = append(list, m)
		}
	}
	ans := s.page(ch, list, w, a)
	ans["pin_count"], ans["channel_actions_ts"], ans["channel_actions_count"] = 0, nil, 0
	return ans, nil
}

// replies is Slack's conversations.replies: the root first on each page, then its replies, oldest first.
func (s *Sim) replies(a args) (answer, *refusal) {
	ch, bad := s.readable(a["channel"], "history")
	if bad != nil {
		return nil, bad
	}
	root := ch.byTS[a["ts"]]
	if root == nil || !s.visible(root) {
		return nil, refuse("thread_not_found")
	}
	w, bad := s.window(a, 1000)
	if bad != nil {
		return nil, bad
	}
	var list []*message
	for _, m := range root.replies {
		if w.has(m.TS) && m.TS > w.cursor && s.visible(m) {
			list = append(list, m)
		}
	}
	ans := s.page(ch, list, w, a)
	out, _ := ans["messages"].([]wire)
	ans["messages"] = slices.Insert(out, 0, s.read1(ch, root, a))
	return ans, nil
}

// conversationInfo is Slack's conversations.info.
func (s *Sim) conversationInfo(a args) (answer, *refusal) {
	ch, bad := s.readable(a["channel"], "read")
	if bad != nil {
		return nil, bad
	}
	obj := s.channelObject(ch)
	if ch.kind != "im" {
		obj["is_read_only"] = ch.readOnly // lists do not show it
	}
	if a.flag("include_num_members") {
		obj["num_members"] = len(s.users) - len(ch.absent)
	}
	return answer{"channel": obj}, nil
}

func (s *Sim) channelObject(ch *channel) answer {
	if ch.kind == "im" {
		return answer{"id": ch.id, "created": ch.created, "is_archived": ch.archived, "is_im": true, "is_org_shared": false,
			"user": ch.person, "is_user_deleted": false, "priority": 0, "context_team_id": s.cfg.TeamID, "updated": ch.created * 1000}
	}
	topic := answer{"value": "", "creator": "", "last_set": 0}
	return answer{"id": ch.id, "name": ch.name, "name_normalized": ch.name, "is_channel": ch.kind == "channel", "is_group": ch.kind == "group",
		"is_im": false, "is_mpim": false, "is_private": ch.kind == "group", "is_archived": ch.archived, "is_general": false, "is_member": ch.bot,
		"is_shared": ch.shared, "is_ext_shared": ch.shared, "is_org_shared": false, "is_pending_ext_shared": false, "created": ch.created,
		"updated": ch.created * 1000, "unlinked": 0, "creator": "USLACKBOT", "shared_team_ids": []string{s.cfg.TeamID}, "pending_shared": []string{},
		"pending_connected_team_ids": []string{}, "previous_names": []string{}, "context_team_id": s.cfg.TeamID, "topic": topic, "purpose": topic}
}

// conversationsList is Slack's conversations.list.
func (s *Sim) conversationsList(a args) (answer, *refusal) { return s.listChannels(a, false) }

// usersConversations is Slack's users.conversations, for the bot itself.
func (s *Sim) usersConversations(a args) (answer, *refusal) { return s.listChannels(a, true) }

func (s *Sim) listChannels(a args, mine bool) (answer, *refusal) {
	kinds := map[string]bool{}
	for t := range strings.SplitSeq(a["types"], ",") {
		kind, ok := map[string]string{"": "channel", "public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}[strings.TrimSpace(t)]
		if !ok {
			return nil, refuse("invalid_types")
		}
		right := scopeOf(kind, "read")
		if kind == "mpim" {
			right = "mpim:read"
		}
		if bad := s.needs(right); bad != nil {
			return nil, bad
		}
		kinds[kind] = true
	}
	limit, from := 100, 0
	if t := a["limit"]; t != "" && t != "0" {
		n, err := strconv.Atoi(t)
		if err != nil || n < 1 || n > 1000 {
			return nil, refuse("invalid_limit")
		}
		limit = n
	}
	if c := a["cursor"]; c != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(c, "channel:"))
		if err != nil || n < 0 || n > len(s.order) {
			return nil, refuse("invalid_cursor")
		}
		from = n
	}
	out := []answer{}
	next := ""
	for i, id := range s.order[from:] {
		ch := s.channels[id]
		hidden := ch.kind == "group" || mine
		if !kinds[ch.kind] || hidden && !ch.bot || a.flag("exclude_archived") && ch.archived {
			continue
		}
		if len(out) == limit {
			next = "channel:" + strconv.Itoa(from+i)
			break
		}
		obj := s.channelObject(ch)
		if mine {
			delete(obj, "is_member")
		}
		out = append(out, obj)
	}
	return answer{"channels": out, "response_metadata": map[string]any{"next_cursor": next}}, nil
}
