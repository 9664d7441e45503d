package discord

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ccbridge/bridge"
)

// epoch is the first millisecond of Discord's ids.
const epoch = 1420070400000

// snowflake is Discord's id: milliseconds since epoch in the upper 42 bits. Zero is no id.
type snowflake uint64

// parseSnowflake reads a decimal id.
func parseSnowflake(s string) (snowflake, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no Discord id", s)
	}
	return snowflake(n), nil
}

// UnmarshalJSON accepts a string or a number. Anything else leaves zero and is no error: one odd field must not cost
// the whole event.
func (s *snowflake) UnmarshalJSON(b []byte) error {
	n, err := parseSnowflake(strings.Trim(string(b), `"`))
	if err != nil {
		n = 0
	}
	*s = n
	return nil
}

// MarshalJSON writes a string, as Discord does.
func (s snowflake) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

func (s snowflake) String() string { return strconv.FormatUint(uint64(s), 10) }

// time is when the id was made.
func (s snowflake) time() time.Time { return time.UnixMilli(int64(s>>22) + epoch).UTC() }

// order is the id for bridge.Event.Order: equal lengths compare as numbers.
func (s snowflake) order() string { return fmt.Sprintf("%020d", uint64(s)) }

// snowflakeAt is the least id made at t.
func snowflakeAt(t time.Time) snowflake {
	ms := t.UnixMilli() - epoch
	if ms < 0 {
		return 0
	}
	return snowflake(ms) << 22
}

// lastAt is the greatest id made in t's millisecond: everything greater was made after t.
func lastAt(t time.Time) snowflake { return snowflakeAt(t) | (1<<22 - 1) }

// The ids of events. They are the same however often, and by whichever way, an event comes.

func (a *Adapter) messageEventID(channel, message snowflake) bridge.EventID {
	return bridge.EventID(fmt.Sprintf("%s/m:%s:%s", a.cfg.Name, channel, message))
}

func (a *Adapter) editEventID(channel, message snowflake, at time.Time) bridge.EventID {
	return bridge.EventID(fmt.Sprintf("%s/e:%s:%s:%d", a.cfg.Name, channel, message, at.UnixMicro()))
}

func (a *Adapter) deletionEventID(channel, message snowflake) bridge.EventID {
	return bridge.EventID(fmt.Sprintf("%s/d:%s:%s", a.cfg.Name, channel, message))
}

func (a *Adapter) interactionEventID(id snowflake) bridge.EventID {
	return bridge.EventID(fmt.Sprintf("%s/i:%s", a.cfg.Name, id))
}

func (a *Adapter) goneEventID(place snowflake) bridge.EventID {
	return bridge.EventID(fmt.Sprintf("%s/g:%s", a.cfg.Name, place))
}

// removalEventID is for a guild, which the bot may be removed from more than once: the gateway's session and sequence
// number are the same when Discord replays the event, and differ otherwise.
func (a *Adapter) removalEventID(guild snowflake, session string, seq int64) bridge.EventID {
	h := fnv.New64a()
	_, _ = h.Write([]byte(session))
	return bridge.EventID(fmt.Sprintf("%s/g:%s:%x:%d", a.cfg.Name, guild, h.Sum64(), seq))
}

// threadKey names a thread of a guild.
func (a *Adapter) threadKey(guild, parent, root snowflake) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: a.cfg.Name, Space: guild.String(), Channel: parent.String(), Root: root.String()}
}

// directKey names a direct-message channel, which is one thread.
func (a *Adapter) directKey(channel snowflake) bridge.ThreadKey {
	return bridge.ThreadKey{Adapter: a.cfg.Name, Channel: channel.String()}
}

// channelOf is the Discord channel that a thread's messages stand in.
func channelOf(t bridge.ThreadKey) (snowflake, error) {
	if t.Root != "" {
		return parseSnowflake(t.Root)
	}
	return parseSnowflake(t.Channel)
}

// spaceOf is the guild of a thread; zero for direct messages.
func spaceOf(t bridge.ThreadKey) (snowflake, error) {
	if t.Space == "" {
		return 0, nil
	}
	return parseSnowflake(t.Space)
}

// ParseLink reads a permalink: https://discord.com/channels/GUILD/CHANNEL/MESSAGE, where CHANNEL may be a thread and GUILD
// "@me"; without MESSAGE it is the channel's own. false: it is none.
func ParseLink(u *url.URL) (l bridge.Link, ok bool) {
	_, rest, ok := strings.Cut(u.Path, "/channels/")
	parts := strings.Split(strings.Trim(rest, "/"), "/")
	if !ok || u.Host == "" || len(parts) < 2 || len(parts) > 3 {
		return bridge.Link{}, false
	}
	l.Channel = parts[1]
	if parts[0] != "@me" {
		l.Space = parts[0]
	}
	if len(parts) == 3 {
		l.ID = parts[2]
	}
	for _, id := range []string{l.Space, l.Channel, l.ID} {
		if _, err := parseSnowflake(id); id != "" && err != nil {
			return bridge.Link{}, false
		}
	}
	return l, true
}
