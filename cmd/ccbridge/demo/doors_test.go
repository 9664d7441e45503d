package demo

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"ccbridge/adapters/slack/slacksim"
)

// TestPageDoors: who may ask for what, and what the answers bear.
func TestPageDoors(t *testing.T) {
	t.Parallel()
	w := startWeb(t)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	port := w.url[strings.LastIndexByte(w.url, ':'):]
	const json = "application/json"
	for what, c := range map[string]struct {
		method, path, body string
		host               string
		header             map[string]string
		want               int
	}{
		"the page":                 {method: "GET", path: "/", want: 200},
		"by its other name":        {method: "GET", path: "/", host: "localhost" + port, want: 200},
		"by a foreign name":        {method: "GET", path: "/", host: "evil.example" + port, want: 421},
		"its state by one":         {method: "GET", path: "/state", host: "evil.example", want: 421},
		"a deed by one":            {method: "POST", path: "/do/kill", host: "evil.example", header: map[string]string{"Content-Type": json}, want: 421},
		"a script":                 {method: "GET", path: "/demo.js", want: 200},
		"the shared look":          {method: "GET", path: "/style.css?v=1", want: 200},
		"no such file":             {method: "GET", path: "/web/index.html", want: 404},
		"a deed":                   {method: "POST", path: "/do/say", body: `{"platform":"slack","text":"hours"}`, header: map[string]string{"Content-Type": json}, want: 204},
		"from the page itself":     {method: "POST", path: "/do/start", header: map[string]string{"Content-Type": json, "Origin": w.url, "Sec-Fetch-Site": "same-origin"}, want: 409},
		"from another site":        {method: "POST", path: "/do/kill", header: map[string]string{"Content-Type": json, "Origin": "http://evil.example"}, want: 403},
		"from another port":        {method: "POST", path: "/do/kill", header: map[string]string{"Content-Type": json, "Sec-Fetch-Site": "same-site"}, want: 403},
		"from a form":              {method: "POST", path: "/do/kill", header: map[string]string{"Content-Type": "text/plain"}, want: 415},
		"a deed by link":           {method: "GET", path: "/do/kill", want: 405},
		"no such deed":             {method: "POST", path: "/do/dance", body: "{}", header: map[string]string{"Content-Type": json}, want: 404},
		"no such platform":         {method: "POST", path: "/do/say", body: `{"platform":"teams","text":"hours"}`, header: map[string]string{"Content-Type": json}, want: 404},
		"no such switch":           {method: "POST", path: "/do/switch", body: `{"name":"gravity"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"nothing to say":           {method: "POST", path: "/do/say", body: `{"platform":"discord","text":" "}`, header: map[string]string{"Content-Type": json}, want: 409},
		"what is no JSON":          {method: "POST", path: "/do/say", body: `{`, header: map[string]string{"Content-Type": json}, want: 409},
		"a command in a thread":    {method: "POST", path: "/do/say", body: `{"platform":"slack","thread":"1.2","text":"/agent"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"a thread not made":        {method: "POST", path: "/do/say", body: `{"platform":"discord","thread":"12","text":"x"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"a button not there":       {method: "POST", path: "/do/press", body: `{"platform":"slack","message":"1.2","action":"x"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"a visitor not there":      {method: "POST", path: "/do/accept", body: `{"visitor":"x"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"more than Slack takes":    {method: "POST", path: "/do/say", body: `{"platform":"slack","text":"` + strings.Repeat("x", 40_001) + `"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"more than Discord takes":  {method: "POST", path: "/do/say", body: `{"platform":"discord","text":"` + strings.Repeat("x", 2001) + `"}`, header: map[string]string{"Content-Type": json}, want: 409},
		"more than the page takes": {method: "POST", path: "/do/say", body: `{"text":"` + strings.Repeat("x", maxBody) + `"}`, header: map[string]string{"Content-Type": json}, want: 413},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, w.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = c.host
		for name, value := range c.header {
			req.Header.Set(name, value)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: status %d, want %d: %.200s", what, resp.StatusCode, c.want, body)
		}
		if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: the answer is not protected: %q", what, csp)
		}
	}
	w.noticesDoubles(t, client)
}

// noticesDoubles posts what the robot said once more, as a bridge that repeats blindly would, and reads of it in the
// stream.
func (w *world) noticesDoubles(t *testing.T, client *http.Client) {
	t.Helper()
	resp, err := client.Get(w.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	until := func(what string, cond func(truth) bool) {
		t.Helper()
		for lines.Scan() {
			var news struct{ Truth *truth }
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			if err := json.Unmarshal([]byte(data), &news); err != nil {
				t.Fatal(err)
			}
			if news.Truth != nil && cond(*news.Truth) {
				return
			}
		}
		t.Fatalf("%s: not told (%v)", what, lines.Err())
	}
	until("two answers", func(now truth) bool { return now.Shown == 2 && now.UnderWay+now.Lost+now.Doubled == 0 })
	root := w.slack.Messages(demoSlackChannel)[0].TS
	if _, err := w.slack.Post(slacksim.Post{Channel: demoSlackChannel, BotID: "B0BRIDGE", ThreadTS: root, Text: robotGreeting}); err != nil {
		t.Fatal(err)
	}
	until("one doubled", func(now truth) bool { return now.Doubled == 1 })
}

// TestAddress: the page is for this machine alone.
func TestAddress(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:0": "", "localhost:0": "", "0.0.0.0:0": "this machine alone", ":0": "this machine alone", "192.0.2.1:80": "this machine alone",
		"example.com:0": "this machine alone", "127.0.0.1": "missing port", "127.0.0.1:notaport": "listen on",
	} {
		l, err := listenLoopback(addr)
		if l != nil {
			l.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", addr, err, want)
		}
	}
}

// TestOptions: flags that contradict each other.
func TestOptions(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{}, {Terminal: true, Platform: platformSlack}, {Script: true, Platform: platformDiscord}, {SimsOnly: true}} {
		if err := o.Check(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []Options{{Platform: platformSlack}, {SimsOnly: true, Platform: platformSlack}, {Terminal: true, Script: true}} {
		if o.Check() == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
