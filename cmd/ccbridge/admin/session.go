package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"time"
)

// How long somebody stays signed in: idleLimit after the last request of their own (a page that looks for news by itself
// is none), lifeLimit at most. maxSignedIn may be signed in at a time; one more signs out who was away for the longest.
const (
	idleLimit   = 30 * time.Minute
	lifeLimit   = 12 * time.Hour
	maxSignedIn = 50
)

// cookieName is the cookie that bears a session's secret.
const cookieName = "ccbridge_admin"

// signedIn is one operator who got in.
type signedIn struct {
	csrf   string // what each of their forms must bear
	key    [32]byte
	made   time.Time
	used   time.Time
	notice *Notice // shown once, on their next page
}

// Notice tells an operator what came of what they did.
type Notice struct {
	Level string // "ok", "info", "warn" or "bad"
	Text  string
	Lines []string
}

// door knows who is signed in, by the hash of the cookie's secret.
type door struct {
	mu sync.Mutex
	in map[[32]byte]*signedIn
}

func newDoor() *door { return &door{in: map[[32]byte]*signedIn{}} }

// secret makes 256 random bits.
func secret() string {
	bits := make([]byte, 32)
	rand.Read(bits) //nolint:errcheck // it never fails
	return base64.RawURLEncoding.EncodeToString(bits)
}

// open signs somebody in and gives the cookie's value. key identifies the credentials they did it with: when those
// change, they are out.
func (d *door) open(key [32]byte, now time.Time) string {
	value := secret()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(now)
	if len(d.in) >= maxSignedIn {
		var oldest [32]byte
		for id, s := range d.in {
			if o := d.in[oldest]; o == nil || s.used.Before(o.used) {
				oldest = id
			}
		}
		delete(d.in, oldest)
	}
	d.in[sha256.Sum256([]byte(value))] = &signedIn{csrf: secret(), key: key, made: now, used: now}
	return value
}

// sweep forgets who is over a limit. The caller holds d.mu.
func (d *door) sweep(now time.Time) {
	for id, s := range d.in {
		if now.Sub(s.used) >= idleLimit || now.Sub(s.made) >= lifeLimit {
			delete(d.in, id)
		}
	}
}

// find gives who sends a request, nil if they are not signed in. byHand tells that a person asked for it.
func (d *door) find(r *http.Request, key [32]byte, now time.Time, byHand bool) *signedIn {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(now)
	id := sha256.Sum256([]byte(cookie.Value))
	s := d.in[id]
	switch {
	case s == nil:
		return nil
	case s.key != key:
		delete(d.in, id)
		return nil
	}
	if byHand {
		s.used = now
	}
	return s
}

// close signs out whoever sends a request.
func (d *door) close(r *http.Request) {
	if cookie, err := r.Cookie(cookieName); err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.in, sha256.Sum256([]byte(cookie.Value)))
	}
}

// tell leaves a notice for somebody's next page.
func (d *door) tell(s *signedIn, n Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.notice = &n
}

// told takes the notice.
func (d *door) told(s *signedIn) *Notice {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := s.notice
	s.notice = nil
	return n
}

// bearsToken tells whether a form, or a script's header, bears the session's token.
func (s *signedIn) bearsToken(r *http.Request) bool {
	said := r.Header.Get("X-CSRF-Token")
	if said == "" {
		said = r.PostFormValue("csrf")
	}
	return subtle.ConstantTimeCompare([]byte(said), []byte(s.csrf)) == 1
}

// cookieOf makes the cookie. It is for this page alone and hidden from scripts and from other sites' requests. Over TLS
// it never travels without: whoever says that this is TLS, the browser by the page's origin or a web server before us,
// is believed, since a lie only keeps the liar out.
func cookieOf(r *http.Request, value string) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: value, Path: root, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") || strings.HasPrefix(r.Header.Get("Origin"), "https://")}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
