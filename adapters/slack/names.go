package slack

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

// Bounds of a directory.
const (
	directorySize   = 10_000
	nameLife        = time.Hour
	noNameLife      = time.Minute // after a failed look-up
	directoryLookup = 2           // look-ups at once: Slack takes some hundred a minute
)

// directory resolves ids to names and keeps them for a while. It is only a cache: a name it cannot get soon is the id.
type directory struct {
	lookUp func(ctx context.Context, id string) (string, error)
	slots  chan struct{}

	mu    sync.Mutex
	names map[string]namedID
}

type namedID struct {
	name string // "" if it could not be found
	till time.Time
}

func newDirectory(lookUp func(context.Context, string) (string, error)) *directory {
	return &directory{
		lookUp: lookUp,
		slots:  make(chan struct{}, directoryLookup),
		names:  make(map[string]namedID),
	}
}

// name is the name of id, or "" if it is not known by the end of ctx.
func (d *directory) name(ctx context.Context, id string) string {
	name, known := d.cached(id)
	if known {
		return name
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return name
	}
	fresh, err := d.lookUp(ctx, id)
	if err == nil {
		d.keep(id, fresh, nameLife)
		return fresh
	}
	if !limited(err) {
		d.keep(id, name, noNameLife) // an old name is better than none, and none better than waiting again
	}
	return name
}

// cached is what is known of id without asking; name may be out of date if known is false.
func (d *directory) cached(id string) (name string, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, ok := d.names[id]
	return n.name, ok && time.Now().Before(n.till)
}

func (d *directory) keep(id, name string, life time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.names) >= directorySize {
		now := time.Now()
		maps.DeleteFunc(d.names, func(_ string, n namedID) bool { return now.After(n.till) })
	}
	if len(d.names) >= directorySize {
		clear(d.names)
	}
	d.names[id] = namedID{name: name, till: time.Now().Add(life)}
}

// lookUpUser asks for a person's name (Slack: users.info).
func (a *Adapter) lookUpUser(ctx context.Context, id string) (string, error) {
	var u *slack.User
	err := a.pauses.call(ctx, methodUser, false, func() (err error) {
		u, err = a.api.GetUserInfoContext(ctx, id)
		return err
	})
	if err != nil {
		return "", err
	}
	return cmp.Or(u.Profile.DisplayName, u.Profile.RealName, u.RealName, u.Name), nil
}

// lookUpChannel asks for a channel's name (Slack: conversations.info).
func (a *Adapter) lookUpChannel(ctx context.Context, id string) (string, error) {
	var c *slack.Channel
	err := a.pauses.call(ctx, methodChannel, false, func() (err error) {
		c, err = a.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		return err
	})
	if err != nil {
		return "", err
	}
	return c.Name, nil
}

// recent is a set that forgets its oldest members.
type recent[K comparable] struct {
	mu   sync.Mutex
	size int
	in   map[K]bool
	ring []K
	next int
}

func newRecent[K comparable](size int) *recent[K] {
	return &recent[K]{size: size, in: make(map[K]bool)}
}

func (r *recent[K]) add(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.in[k] {
		return
	}
	r.in[k] = true
	if len(r.ring) < r.size {
		r.ring = append(r.ring, k)
		return
	}
	delete(r.in, r.ring[r.next])
	r.ring[r.next] = k
	r.next = (r.next + 1) % r.size
}

func (r *recent[K]) has(k K) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.in[k]
}
