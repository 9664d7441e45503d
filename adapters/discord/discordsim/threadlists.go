package discordsim

import (
	"slices"
	"strconv"
	"time"
)

func (s *Sim) getActiveThreads(c *call) (int, any, *apiError) {
	g := s.guilds[c.PathValue("guild")]
	if g == nil {
		return 0, nil, errUnknownGuild
	}
	if g.absent {
		return 0, nil, errMissingAccess
	}
	return 200, s.threadList(g.channels, func(t *channel) bool { return !t.archived }, len(g.channels)), nil
}

// getArchivedThreads lists public archived threads by archive time, newest first.
func (s *Sim) getArchivedThreads(c *call) (int, any, *apiError) {
	ch, refusal := s.channelFor(c)
	if refusal != nil {
		return 0, nil, refusal
	}
	if ch.guild == "" || !s.botMay(ch, ReadHistory) {
		return 0, nil, errMissingAccess
	}
	limit := 50
	if v := c.URL.Query().Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 2 || n > 100 {
			return 0, nil, invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 2 and 100.")
		}
		limit = n
	}
	before := s.now().Add(time.Hour)
	if v := c.URL.Query().Get("before"); v != "" {
		at, err := time.Parse(time.RFC3339Nano, v)
		if err != nil {
			return 0, nil, invalid("before", "DATE_TIME_TYPE_PARSE", "Could not parse. Should be ISO8601.")
		}
		before = at
	}
	all := slices.Clone(s.guilds[ch.guild].channels)
	slices.SortStableFunc(all, func(a, b *channel) int { return b.archiveStamp.Compare(a.archiveStamp) })
	return 200, s.threadList(all, func(t *channel) bool {
		return t.archived && t.parent == ch.id && t.kind != privateThread && t.archiveStamp.Before(before)
	}, limit), nil
}

func (s *Sim) threadList(from []*channel, want func(*channel) bool, limit int) object {
	threads, members, more := []object{}, []object{}, false
	for _, t := range from {
		if t.deleted || !t.kind.isThread() || !s.botSees(t) || !want(t) {
			continue
		}
		if len(threads) >= limit {
			more = true
			break
		}
		threads = append(threads, s.wire(t))
		if t.members[s.bot.ID] {
			members = append(members, s.threadMember(t))
		}
	}
	return object{"threads": threads, "members": members, "has_more": more}
}
