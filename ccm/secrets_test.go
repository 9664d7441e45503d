package ccm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ccbridge/ccm"
)

// TestErrorsQuoteNothing: a server that repeats all it was told, in every place an error could take it from.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	const words = "My PIN is 4711-geheim, \"please\" <call> back"
	access, token := strings.Repeat("acc", 12), "eyJ"+strings.Repeat("vis", 12)+"%3D"
	quote := func(c call) string {
		return fmt.Sprintf("%s | %s | %s | %s", c.header.Get("Authorization"), c.header.Get("ccmessaging-token"), c.raw, words)
	}
	shapes := map[string]func(call) string{
		"page":   func(c call) string { return "<html><p>blocked: " + quote(c) + "</p></html>" },
		"plain":  quote,
		"broken": func(c call) string { return `{"resultCode":"0",` + quote(c) },
		"desc": func(c call) string {
			b, _ := json.Marshal(map[string]string{"resultCode": "13", "resultDesc": "failed " + quote(c), "exceptionInfo": quote(c)})
			return string(b)
		},
		"code": func(c call) string {
			b, _ := json.Marshal(map[string]string{"resultCode": words, "errorCode": quote(c)})
			return string(b)
		},
		"list": func(c call) string {
			b, _ := json.Marshal(map[string]string{"resultCode": "0", "downlinkMessages": quote(c), "messageList": quote(c)})
			return string(b)
		},
	}
	for shape, body := range shapes {
		for _, status := range []int{200, 302, 400, 401, 403, 404, 429, 500, 502} {
			for _, failing := range []string{"tokenByAkSk", "applyToken", "rest"} {
				centre := newCentre()
				centre.script["tokenByAkSk"] = answerWith(200, `{"AccessToken":"`+access+`","Expires":"600"}`)
				centre.script["applyToken"] = answerWith(200, `{"token":"`+token+`"}`)
				fail := func(n int, w http.ResponseWriter, c call) { answerWith(status, body(c))(n, w, c) }
				if failing == "rest" {
					for _, name := range []string{"send", "poll", "queryQueueInfo", "queryHistoryChatMessage"} {
						centre.script[name] = fail
					}
				} else {
					centre.script[failing] = fail
				}
				client := local(t, centre)
				errs := map[string]error{"send": client.Send(t.Context(), visitor, chat(words))}
				_, errs["poll"] = client.Poll(t.Context(), visitor)
				_, errs["queue"] = client.QueueInfo(t.Context(), visitor)
				_, errs["history"] = client.History(t.Context(), visitor)
				for call, err := range errs {
					if err == nil {
						if shape != "list" { // in which code 0 is a clear yes
							t.Errorf("%s of %s, %d, %s: no error", shape, failing, status, call)
						}
						continue
					}
					e := asError(t, err)
					shown := fmt.Sprintf("%v %s %s", e, e.Desc, e.Code)
					secrets := []string{appSecret, access, token}
					if call == "send" && failing == "rest" { // only this call was told the words
						secrets = append(secrets, "4711", "geheim", "please")
					}
					for _, secret := range secrets {
						if strings.Contains(shown, secret) {
							t.Errorf("%s of %s, %d, %s: error quotes %q: %s", shape, failing, status, call, secret, shown)
						}
					}
				}
			}
		}
	}
}

// TestErrorsQuoteNoMessages: a gateway that cuts the centre's answer short, and puts its own status before it.
func TestErrorsQuoteNoMessages(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	for _, name := range []string{"poll", "queryHistoryChatMessage"} {
		centre.script[name] = answerWith(502, ` {"resultCode":"0","downlinkMessages":[{"content":"My PIN is 4711`)
	}
	client := local(t, centre)
	_, polled := client.Poll(t.Context(), visitor)
	_, read := client.History(t.Context(), visitor)
	for _, err := range []error{polled, read} {
		if e := asError(t, err); e.Status != 502 || strings.Contains(e.Error(), "4711") {
			t.Error(e)
		}
	}
}

// TestAccessRefusedShowsThePage: the operator needs to see who refused us.
func TestAccessRefusedShowsThePage(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["poll"] = answerWith(403, "<html><head><style>p{x}</style><title>WAF</title></head><p>Address 192.0.2.1\n not allowed, "+
		"token "+strings.Repeat("abc1", 20)+"</p></html>"+strings.Repeat(" more", 200))
	_, err := local(t, centre).Poll(t.Context(), visitor)
	const want = "poll: access refused: HTTP 403: WAF Address 192.0.2.1 not allowed, token […] more"
	if got := err.Error(); !strings.HasPrefix(got, want) || len(got) > 300 {
		t.Errorf("got %q, want %q and little more", got, want)
	}
	e := asError(t, err)
	if !e.AccessRefused() || e.Scope != ccm.ScopeCentre {
		t.Errorf("refused %v, scope %v", e.AccessRefused(), e.Scope)
	}
}
