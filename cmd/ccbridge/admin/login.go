package admin

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// maxPassword is how many bytes of a password bcrypt looks at. A longer one is wrong: the password command refuses to
// make its hash.
const maxPassword = 72

// key identifies the credentials in force.
func (p *Page) key() [32]byte {
	a := p.Config().Admin
	hash, token := sha256.Sum256([]byte(a.PasswordHash.Reveal())), sha256.Sum256([]byte(a.Token.Reveal()))
	return sha256.Sum256(append(hash[:], token[:]...))
}

// isToken tells, in a time that does not depend on what is said, whether it is the configured token.
func (p *Page) isToken(said string) bool {
	token := p.Config().Admin.Token.Reveal()
	a, b := sha256.Sum256([]byte(said)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && token != ""
}

// isPassword tells whether said is the password. It waits for its turn; false too if that does not come in time.
func (p *Page) isPassword(ctx context.Context, said string) (is, checked bool) {
	hash := p.Config().Admin.PasswordHash.Reveal()
	if hash == "" || len(said) > maxPassword {
		return false, true
	}
	select {
	case p.checking <- struct{}{}:
		defer func() { <-p.checking }()
		return bcrypt.CompareHashAndPassword([]byte(hash), []byte(said)) == nil, true
	case <-ctx.Done():
		return false, false
	}
}

// showLogin shows the way in.
func (p *Page) showLogin(w http.ResponseWriter, r *http.Request) {
	next := local(r.URL.Query().Get("next"))
	if p.door.find(r, p.key(), p.now(), true) != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	p.renderLogin(w, http.StatusOK, next, "")
}

// login lets in who knows the password or the token. A token is long enough that it need not be protected from being
// guessed, so whoever has one gets in even while others try passwords.
func (p *Page) login(w http.ResponseWriter, r *http.Request) {
	said, next, address := r.PostFormValue("password"), local(r.PostFormValue("next")), addressOf(r)
	with := "token"
	if !p.isToken(said) {
		with = "password"
		wait, news := p.attempts.take(address, p.now())
		if wait > 0 {
			if news {
				p.Log.WarnContext(r.Context(), "admin: too many logins are tried: some are refused unseen", "address", address)
			}
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			p.renderLogin(w, http.StatusTooManyRequests, next, "Too many tries. Wait "+duration(wait)+", then try again. The token works meanwhile.")
			return
		}
		switch is, checked := p.isPassword(r.Context(), said); {
		case !checked:
			w.Header().Set("Retry-After", "5")
			p.renderLogin(w, http.StatusServiceUnavailable, next, "Too many others try to sign in just now. Try again in a moment.")
			return
		case !is:
			p.Log.WarnContext(r.Context(), "admin: a login was refused: wrong password or token", "address", address)
			p.renderLogin(w, http.StatusUnauthorized, next, "This is wrong. Try again.")
			return
		}
		p.attempts.forgive(address)
	}
	p.door.close(r) // whoever was signed in on this browser
	http.SetCookie(w, cookieOf(r, p.door.open(p.key(), p.now())))
	p.Log.InfoContext(r.Context(), "admin: signed in", "address", address, "with", with)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// logout signs out whoever asks for it with a form of theirs.
func (p *Page) logout(w http.ResponseWriter, r *http.Request) {
	if s := p.door.find(r, p.key(), p.now(), true); s != nil {
		if !s.bearsToken(r) {
			http.Error(w, "This form is out of date: go back, reload the page, and try again.", http.StatusForbidden)
			return
		}
		p.door.close(r)
		p.Log.InfoContext(r.Context(), "admin: signed out", "address", addressOf(r))
	}
	http.SetCookie(w, cookieOf(r, ""))
	http.Redirect(w, r, root+"/login", http.StatusSeeOther)
}

// admitted tells whether a program, or the page's script, may have an answer, and else answers itself.
func (p *Page) admitted(w http.ResponseWriter, r *http.Request) bool {
	if said, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if p.isToken(said) {
			return true
		}
		address := addressOf(r)
		wait, news := p.attempts.take(address, p.now())
		if wait == 0 || news {
			p.Log.WarnContext(r.Context(), "admin: a program was refused: wrong token", "address", address)
		}
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
			fail(w, http.StatusTooManyRequests, "too many tries")
			return false
		}
		fail(w, http.StatusUnauthorized, "wrong token")
		return false
	}
	s := p.door.find(r, p.key(), p.now(), r.Method == http.MethodPost)
	switch {
	case s == nil:
		w.Header().Set("WWW-Authenticate", "Bearer")
		fail(w, http.StatusUnauthorized, `say "Authorization: Bearer TOKEN" with the token of [admin], or sign in`)
		return false
	case r.Method != http.MethodGet && !s.bearsToken(r):
		fail(w, http.StatusForbidden, "the header X-CSRF-Token is missing or wrong")
		return false
	}
	return true
}

// opened logs that somebody's words were shown to an operator.
func (p *Page) opened(r *http.Request, what, thread string) {
	p.Log.InfoContext(r.Context(), "admin: "+what+" opened", slog.String("thread", thread), slog.String("address", addressOf(r)))
}

// done logs what an operator did.
func (p *Page) done(r *http.Request, what string, attrs ...any) {
	p.Log.InfoContext(r.Context(), "admin: "+what, append(attrs, slog.String("address", addressOf(r)))...)
}

// duration is d as people say it, in its two greatest units.
func duration(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 24*time.Hour:
		return two(int(d.Hours()), " h", int(d.Minutes())%60, " min")
	}
	return two(int(d.Hours())/24, " d", int(d.Hours())%24, " h")
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return strconv.Itoa(a) + unitA
	}
	return strconv.Itoa(a) + unitA + " " + strconv.Itoa(b) + unitB
}
