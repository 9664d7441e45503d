package slack

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"ccbridge/bridge"
)

// Event ids. Each is the same over redelivery and catch-up, and begins with the adapter's name.

func (a *Adapter) eventID(kind string, parts ...string) bridge.EventID {
	return bridge.EventID(a.cfg.Name + ":" + kind + ":" + strings.Join(parts, ":"))
}

// A message is known by channel and ts; events carry other ids for the same message.
func (a *Adapter) messageID(channel, ts string) bridge.EventID { return a.eventID("m", channel, ts) }

func (a *Adapter) editID(channel, ts, edited string) bridge.EventID {
	return a.eventID("e", channel, ts, edited)
}

func (a *Adapter) deletionID(channel, ts string) bridge.EventID { return a.eventID("d", channel, ts) }

// thread is the place of a message: threadTS is empty for a root. A direct-message channel is one thread.
func (a *Adapter) thread(team, channel, ts, threadTS string) bridge.ThreadKey {
	k := bridge.ThreadKey{Adapter: a.cfg.Name, Space: team, Channel: channel}
	if direct(channel) {
		return k
	}
	k.Root = threadTS
	if k.Root == "" {
		k.Root = ts
	}
	return k
}

// direct reports whether channel is a direct-message channel with the bot. Group conversations are not.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

var errBadTS = errors.New("not a ts")

// parseTS gives the time of a Slack ts: seconds, a point, six digits.
func parseTS(ts string) (time.Time, error) {
	sec, micro, ok := strings.Cut(ts, ".")
	s, err1 := strconv.ParseUint(sec, 10, 40)
	m, err2 := strconv.ParseUint(micro, 10, 32)
	if !ok || err1 != nil || err2 != nil || len(micro) != 6 {
		return time.Time{}, errBadTS
	}
	return time.Unix(int64(s), int64(m)*1000).UTC(), nil
}

// formatTS is the ts of a time, for bounds of history calls and for the order of what has no ts of its own.
func formatTS(t time.Time) string {
	if t.Unix() <= 0 {
		return "0000000000.000000"
	}
	return fmt.Sprintf("%010d.%06d", t.Unix(), t.Nanosecond()/1000)
}

// threadRef is a thread as the value of a chooser's button, which does not stand in the thread it means.
func threadRef(k bridge.ThreadKey) string { return "thread:" + k.Channel + ":" + k.Root }

// parseThreadRef takes a threadRef apart; false if value is none.
func parseThreadRef(value string) (channel, root string, ok bool) {
	rest, ok := strings.CutPrefix(value, "thread:")
	if !ok {
		return "", "", false
	}
	channel, root, ok = strings.Cut(rest, ":")
	return channel, root, ok && channel != ""
}

// ParseLink reads a permalink: https://x.slack.com/archives/C…/p1712345678000100, with the thread's root in the query where
// the message stands in one. false: it is none.
func ParseLink(u *url.URL) (l bridge.Link, ok bool) {
	_, rest, ok := strings.Cut(u.Path, "/archives/")
	if !ok || u.Host == "" {
		return bridge.Link{}, false
	}
	channel, message, ok := strings.Cut(strings.Trim(rest, "/"), "/")
	digits, marked := strings.CutPrefix(message, "p")
	if !ok || !marked || len(digits) < 7 || channel == "" {
		return bridge.Link{}, false
	}
	l = bridge.Link{Channel: channel, ID: digits[:len(digits)-6] + "." + digits[len(digits)-6:], Root: u.Query().Get("thread_ts")}
	if _, err := parseTS(l.ID); err != nil {
		return bridge.Link{}, false
	}
	if _, err := parseTS(l.Root); l.Root != "" && err != nil {
		return bridge.Link{}, false
	}
	return l, true
}
