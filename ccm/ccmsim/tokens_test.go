package ccmsim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTokenByAkSk(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	const path = "/apigovernance/api/oauth/tokenByAkSk"

	req := c.request(http.MethodPost, path, keys(sim))
	req.Header.Set("X-Token-Expire", "900")
	_, raw := c.try(req)
	answer := decode(raw)
	equal(t, "Expires", answer["Expires"], any("900"))
	equal(t, "ApplyType", answer["ApplyType"], any("Bearer"))
	if created, ok := answer["CreateTime"].(string); !ok || len(created) != 10 {
		t.Errorf("CreateTime %v is not seconds in a string", answer["CreateTime"])
	}
	if _, shown := answer["resultCode"]; shown {
		t.Error("resultCode in the answer of tokenByAkSk")
	}
	clean(t, sim)

	wrong := map[string]any{"app_key": sim.AppKey(), "app_secret": "other"}
	status, answer := c.post(path, wrong)
	equal(t, "wrong key", status, 401)
	equal(t, "errorCode", answer["errorCode"], any("0"))
	sim.Change(func(sw *Switches) { sw.WrongKey403, sw.NumericExpires = true, true })
	status, _ = c.post(path, wrong)
	equal(t, "wrong key", status, 403)
	_, answer = c.post(path, keys(sim))
	equal(t, "Expires", answer["Expires"], any(float64(600)))
	clean(t, sim)

	for _, body := range []any{`{"app_key":"x",}`, `"x"`, map[string]any{"app_key": 1, "app_secret": "x"}, map[string]any{"app_key": "x"}} {
		status, _ := c.post(path, body)
		equal(t, "bad body", status, 400)
	}
	req = c.request(http.MethodPost, path, keys(sim))
	req.Header.Set("X-Token-Expire", "7200")
	status, _ = c.try(req)
	equal(t, "too long a life", status, 400)
	req = c.request(http.MethodPost, path, keys(sim))
	req.Header.Set("Content-Type", "text/plain")
	status, _ = c.try(req)
	equal(t, "Content-Type", status, 400)
	equal(t, "violations", len(sim.Violations()), 6)
}

func TestAccessTokensExpire(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	first := newClient(t, sim, user)
	second := newClient(t, sim, user)
	equal(t, "older token", first.send("CONNECT", ""), "0 "+descRobotConnected)
	sim.Change(func(sw *Switches) { sw.OneAccessToken = true })
	third := newClient(t, sim, user)
	equal(t, "replaced token", second.send("CONNECT", ""), "status 403")
	equal(t, "newest token", third.send("CONNECT", ""), "0 "+descRobotConnected)
	sim.ExpireAccessTokens()
	status, answer := third.call("send", third.sendBody("CONNECT", ""))
	equal(t, "expired token", status, 403)
	if text, _ := answer["exceptionInfo"].(string); !strings.Contains(text, "auth fail!") {
		t.Errorf("403 body %v", answer)
	}
	sim.Change(func(sw *Switches) { sw.TokenLife = time.Nanosecond })
	_, answer = third.post("/apigovernance/api/oauth/tokenByAkSk", keys(sim))
	third.access = answer["AccessToken"].(string)
	equal(t, "short life", third.send("CONNECT", ""), "status 403")
	clean(t, sim)
}

func TestGatewayHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, header, value string
		status              int
		violation           string
	}{
		{"two spaces", "Authorization", "Bearer  x", 403, "one space"},
		{"no Bearer", "Authorization", "x", 403, "one space"},
		{"unknown", "Authorization", "Bearer x", 403, "unknown AccessToken"},
		{"other app", "x-app-key", "other", 403, "x-app-key"},
		{"no token", "ccmessaging-token", "", 401, "no ccmessaging-token"},
		{"wrong token", "ccmessaging-token", "eyJ", 401, "unknown ccmessaging-token"},
		{"content type", "Content-Type", "application/xml", 400, "Content-Type"},
		{"charset", "Content-Type", "application/json; charset=latin1", 400, "charset"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sim := startSim(t, Config{})
			c := newClient(t, sim, user)
			req := c.request(http.MethodPost, apiPath+"send", c.sendBody("CONNECT", ""))
			req.Header.Set(test.header, test.value)
			status, raw := c.try(req)
			equal(t, "status", status, test.status)
			if status == 401 {
				equal(t, "body", raw, `{"resultCode":"401","resultDesc":"token invalid"}`)
			}
			sim.violated(t, test.violation)
			equal(t, "nothing done", sim.Session(user).State, StateNone)
		})
	}
}

func TestApplyToken(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	if !strings.HasPrefix(c.token, "eyJ") || !strings.HasSuffix(c.token, "%3D") {
		t.Errorf("token %q is not of the service's form", c.token)
	}
	other := *c
	apply := func(id string) (int, map[string]any) {
		other.user = id
		return other.call("applyToken", other.application())
	}
	_, answer := apply(strings.Repeat("x", 32))
	equal(t, "32 characters", answer["resultCode"], any("0"))
	clean(t, sim)
	_, answer = apply(strings.Repeat("x", 33))
	equal(t, "33 characters", answer["resultCode"], any("1"))
	sim.Change(func(sw *Switches) { sw.StrictUserID, sw.QuotedToken, sw.BareApply = true, true, true })
	status, _ := apply(strings.Repeat("x", 25))
	equal(t, "strict", status, 400)
	_, answer = apply(user)
	if token := answer["token"].(string); !strings.HasPrefix(token, `"eyJ`) || answer["resultCode"] != nil {
		t.Errorf("quoted bare answer %v", answer)
	}
	body := c.application()
	body["channelId"] = "1"
	_, answer = c.call("applyToken", body)
	equal(t, "other channel", answer["resultCode"], any("1"))
	delete(body, "locale")
	status, _ = c.call("applyToken", body)
	equal(t, "locale missing", status, 400)
}

func TestVisitorTokenRotation(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	c.send("CONNECT", "")
	equal(t, "young token", c.last.Get("ccmessaging-token"), "")
	sim.RotateToken(user)
	c.poll()
	renewed := c.last.Get("ccmessaging-token")
	if renewed == "" || renewed == c.token {
		t.Fatalf("no new token: %q", renewed)
	}
	equal(t, "old token still valid", c.send("CHAT", "x"), "0 Send message to robot successfully")
	equal(t, "replaced once only", c.last.Get("ccmessaging-token"), "")
	c.token = renewed
	equal(t, "new token", c.send("CHAT", "x"), "0 Send message to robot successfully")
	sim.ExpireVisitorTokens(user)
	equal(t, "expired", c.send("CHAT", "x"), "status 401")
	clean(t, sim)
}

func TestVisitorTokenRotatesWithAge(t *testing.T) {
	t.Parallel()
	sim := startSim(t, Config{})
	c := newClient(t, sim, user)
	grow := func(age time.Duration) {
		sim.mu.Lock()
		defer sim.mu.Unlock()
		known := sim.tokens[c.token]
		known.issued, known.expires = time.Now().Add(-age), time.Now().Add(time.Hour-age)
	}
	grow(47 * time.Minute)
	c.poll()
	equal(t, "at 78 %", c.last.Get("ccmessaging-token"), "")
	grow(49 * time.Minute)
	c.poll()
	renewed := c.last.Get("ccmessaging-token")
	if renewed == "" {
		t.Error("no new token at 82 %")
	}
	grow(time.Hour)
	equal(t, "expired", c.send("CONNECT", ""), "status 401")
	c.token = renewed
	equal(t, "new token", c.send("CONNECT", ""), "0 "+descRobotConnected)
	clean(t, sim)
}
