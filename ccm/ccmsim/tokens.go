package ccmsim

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// accessToken is a bearer token of tokenByAkSk.
type accessToken struct{ expires time.Time }

// visitorToken is a ccmessaging-token: one visitor in one channel.
type visitorToken struct {
	user    string
	issued  time.Time
	expires time.Time
	rotate  bool // by command, at the next answer
	old     bool // a newer one was sent
}

// authRefusal is the body of 403, and of 401 for wrong keys (cec_05_1003); the
// errorCode "0" is the service's own.
const authRefusal = `{"errorCode":"0","exceptionInfo":"auth fail! illegal or expired token info. please apply or refresh the access token from the server!"}`

func refusedAuth(status int) reply { return reply{status: status, body: []byte(authRefusal)} }

var keyFields = []field{{"app_key", true, 0}, {"app_secret", true, 0}}

// tokenByAkSk issues an AccessToken (cec_07_0002).
func (s *Sim) tokenByAkSk(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rep, ok := s.checkBody(c, keyFields); !ok {
		return rep
	}
	life := 600 * time.Second
	if asked := c.req.Header.Get("X-Token-Expire"); asked != "" {
		seconds, err := strconv.Atoi(asked)
		if err != nil || seconds < 1 || seconds > 3600 {
			return s.refuse(c, "X-Token-Expire is not 1 to 3600 seconds")
		}
		life = time.Duration(seconds) * time.Second
	}
	if s.sw.TokenLife > 0 {
		life = min(life, s.sw.TokenLife)
	}
	if c.text("app_key") != s.cfg.AppKey || c.text("app_secret") != s.cfg.AppSecret {
		if s.sw.WrongKey403 {
			return refusedAuth(http.StatusForbidden)
		}
		return refusedAuth(http.StatusUnauthorized)
	}
	now := time.Now()
	if s.sw.OneAccessToken {
		s.expireAccess(now)
	}
	token := "tok-" + rand.Text()
	s.access[token] = &accessToken{now.Add(life)}
	s.accept(c, nil, EffectToken)
	granted := int(math.Ceil(life.Seconds()))
	var expires any = strconv.Itoa(granted)
	if s.sw.NumericExpires {
		expires = granted
	}
	return jsonReply(map[string]any{
		"AccessToken": token, "ApplyType": "Bearer", "CreateTime": strconv.FormatInt(now.Unix(), 10),
		"Expires": expires, "Scope": "sim", "AppKey": s.cfg.AppKey, "UserID": "Anonymous",
	})
}

var applyFields = []field{{"userId", true, 0}, {"userName", true, 0}, {"channelId", true, 0}, {"locale", true, 0}}

// applyToken issues a ccmessaging-token (cec_07_0103).
func (s *Sim) applyToken(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rep, ok := s.checkGateway(c); !ok {
		return rep
	}
	if rep, ok := s.checkBody(c, applyFields); !ok {
		return rep
	}
	user := c.text("userId")
	switch length := utf8.RuneCountInString(user); {
	case length > 32:
		s.violateLocked("applyToken: userId of %d characters", length)
		return result("1", "")
	case length > 24 && s.sw.StrictUserID:
		return s.refuse(c, "userId is longer than 24 characters")
	case c.text("channelId") != s.cfg.ChannelID:
		return result("1", "")
	}
	v := s.visitor(user)
	v.name = c.text("userName")
	token := s.issue(user)
	s.accept(c, v, EffectToken)
	if s.sw.QuotedToken {
		token = `"` + token + `"`
	}
	answer := map[string]string{"token": token}
	if !s.sw.BareApply {
		answer["resultCode"] = "0"
	}
	return jsonReply(answer)
}

// issue makes a ccmessaging-token that looks like the service's: escaped base64
// of JSON. A client must send it back byte for byte.
func (s *Sim) issue(user string) string {
	now := time.Now()
	inside := fmt.Sprintf(`{"createTime":%d,"channelId":%q,"id":%q} `, now.UnixMilli(), s.cfg.ChannelID, rand.Text()[:8])
	for len(inside)%3 != 1 { // so that it ends in %3D%3D
		inside += " "
	}
	token := url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(inside)))
	s.tokens[token] = &visitorToken{user: user, issued: now, expires: now.Add(s.sw.VisitorTokenLife)}
	return token
}

// checkGateway checks app key and AccessToken. The reply counts only if it is not ok.
func (s *Sim) checkGateway(c *call) (rep reply, ok bool) {
	token, bearer := strings.CutPrefix(c.req.Header.Get("Authorization"), "Bearer ")
	known := s.access[token]
	switch {
	case !bearer || token == "" || token != strings.TrimSpace(token):
		s.violateLocked("%s: Authorization is not Bearer, one space and a token", c.op)
	case known == nil:
		s.violateLocked("%s: unknown AccessToken", c.op)
	case c.req.Header.Get("x-app-key") != s.cfg.AppKey:
		s.violateLocked("%s: x-app-key is not the token's", c.op)
	case time.Now().Before(known.expires):
		return reply{}, true
	}
	return refusedAuth(http.StatusForbidden), false
}

// checkVisitor checks both tokens and gives the visitor the second belongs to;
// nil if the reply is the answer. It also renews a token that has grown old.
func (s *Sim) checkVisitor(c *call) (*visitor, reply) {
	if rep, ok := s.checkGateway(c); !ok {
		return nil, rep
	}
	invalid := result("401", "token invalid").with(http.StatusUnauthorized)
	if c.op == "queue" && s.sw.QueueTokenCode {
		invalid = result("3", "")
	}
	token := c.req.Header.Get("ccmessaging-token")
	known := s.tokens[token]
	now := time.Now()
	switch {
	case token == "":
		s.violateLocked("%s: no ccmessaging-token", c.op)
		return nil, invalid
	case known == nil:
		s.violateLocked("%s: unknown ccmessaging-token", c.op)
		return nil, invalid
	case !now.Before(known.expires):
		return nil, invalid
	}
	life := known.expires.Sub(known.issued)
	if !known.old && (known.rotate || now.Sub(known.issued) > life*8/10) {
		known.old = true
		known.expires = now.Add(s.sw.TokenOverlap)
		c.renewed = s.issue(known.user)
	}
	return s.visitor(known.user), reply{}
}

// ExpireAccessTokens ends the life of every AccessToken now.
func (s *Sim) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireAccess(time.Now())
}

func (s *Sim) expireAccess(now time.Time) {
	for _, t := range s.access {
		t.expires = now
	}
}

// ExpireVisitorTokens ends the life of a visitor's ccmessaging-tokens, of all visitors' if it is "".
func (s *Sim) ExpireVisitorTokens(visitor string) {
	s.eachToken(visitor, func(t *visitorToken) { t.expires = time.Now() })
}

// RotateToken lets the next answer to a visitor ("": to each) carry a new ccmessaging-token.
func (s *Sim) RotateToken(visitor string) {
	s.eachToken(visitor, func(t *visitorToken) { t.rotate = true })
}

func (s *Sim) eachToken(visitor string, do func(*visitorToken)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		if visitor == "" || t.user == visitor {
			do(t)
		}
	}
}
