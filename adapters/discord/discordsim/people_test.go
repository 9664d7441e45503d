package discordsim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestForumPostAndRemoval(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	forum := w.AddChannel(w.guild, "", Forum)
	p := w.identified()
	thread := w.id(w.ForumPost(forum, w.user, "title", "text"))
	if x := p.expect(0, "THREAD_CREATE"); !strings.Contains(string(x.D), `"newly_created":true`) {
		t.Errorf("THREAD_CREATE %s", x.D)
	}
	p.expect(0, "MESSAGE_CREATE")
	if list := w.Messages(thread); len(list) != 1 || list[0].ID != thread {
		t.Errorf("messages %+v", list)
	}
	w.ok(w.Archive(thread))
	p.expect(0, "THREAD_UPDATE")
	w.post(thread, "again")
	p.expect(0, "THREAD_UPDATE")
	p.expect(0, "MESSAGE_CREATE")
	w.ok(w.Lock(thread))
	p.expect(0, "THREAD_UPDATE")
	if _, err := w.Post(thread, w.user, "x"); err == nil {
		t.Error("a person posted to a locked thread")
	}
	w.ok(w.Remove(thread))
	var gone map[string]any
	if err := json.Unmarshal(p.expect(0, "THREAD_DELETE").D, &gone); err != nil || len(gone) != 4 {
		t.Errorf("THREAD_DELETE %v", gone)
	}
	w.ok(w.Remove(w.channel))
	p.expect(0, "CHANNEL_DELETE")
	w.ok(w.Outage(w.guild, true))
	if x := p.expect(0, "GUILD_DELETE"); !strings.Contains(string(x.D), "unavailable") {
		t.Errorf("outage %s", x.D)
	}
	w.ok(w.Outage(w.guild, false))
	p.expect(0, "GUILD_CREATE")
	w.ok(w.KickBot(w.guild))
	if x := p.expect(0, "GUILD_DELETE"); strings.Contains(string(x.D), "unavailable") {
		t.Errorf("removal %s", x.D)
	}
	if r := w.call("GET", "/channels/"+forum, ""); r.code() != 50001 {
		t.Errorf("channel of a left guild: %d %s", r.status, r.body)
	}
}

func TestEditsAndUnfurls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	p := w.identified()
	id := w.post(w.channel, "https://example.com", Extra{Components: []json.RawMessage{json.RawMessage(`{"type":99}`)}})
	p.expect(0, "MESSAGE_CREATE")
	w.ok(w.Unfurl(id))
	if x := p.expect(0, "MESSAGE_UPDATE"); !strings.Contains(string(x.D), `"edited_timestamp":null`) {
		t.Errorf("unfurl %s", x.D)
	}
	w.ok(w.Edit(id, "other"))
	if x := p.expect(0, "MESSAGE_UPDATE"); strings.Contains(string(x.D), `"edited_timestamp":null`) {
		t.Errorf("edit %s", x.D)
	}
	w.ok(w.Delete(id))
	if x := p.expect(0, "MESSAGE_DELETE"); strings.Contains(string(x.D), "content") {
		t.Errorf("deletion %s", x.D)
	}
}

func TestPrivateThreadIsHiddenUntilMentioned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.ok(w.SetPermissions(w.channel, DefaultPermissions&^ManageThreads))
	p := w.identified()
	thread := w.id(w.StartThread(w.channel, w.user, NewThread{Name: "secret", Private: true}))
	w.post(thread, "unseen")
	if r := w.call("GET", "/channels/"+thread, ""); r.code() != 50001 {
		t.Errorf("hidden thread: %d %s", r.status, r.body)
	}
	w.post(thread, "<@"+w.bot.ID+">")
	if x := p.expect(0, "THREAD_CREATE"); strings.Contains(string(x.D), "newly_created") {
		t.Errorf("added: %s", x.D)
	}
	p.expect(0, "MESSAGE_CREATE")
}

func TestAttachmentIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Config{})
	w.attachmentsHere()
	w.post(w.channel, "", Extra{Attachments: []File{{Name: "a.txt", ContentType: "text/plain", Data: []byte("hi")}}})
	var page []message
	w.call("GET", "/channels/"+w.channel+"/messages", "").decode(&page)
	get := func() (int, string) {
		resp, err := client.Get(page[0].Attachments[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	if status, body := get(); status != 200 || body != "hi" {
		t.Errorf("attachment: %d %q", status, body)
	}
	w.Advance(25 * time.Hour)
	if status, _ := get(); status != 404 {
		t.Errorf("expired attachment: %d", status)
	}
}

// attachmentsHere lets attachment URLs name the simulator.
func (w world) attachmentsHere() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cfg.CDN = w.URL()
}

func TestIDsRise(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	var last uint64
	rapid.Check(t, func(r *rapid.T) {
		s.mu.Lock()
		defer s.mu.Unlock()
		aged := s.agedID(time.Duration(rapid.IntRange(1, 1e6).Draw(r, "age")) * time.Millisecond)
		id := s.newID()
		if id <= last || aged == id || s.now().Sub(idTime(id)).Abs() > time.Minute {
			r.Fatalf("id %d after %d", id, last)
		}
		last = id
	})
}

func FuzzStrip(f *testing.F) {
	f.Add(" a\r\n\x00b ")
	f.Fuzz(func(t *testing.T, content string) {
		once := strip(content)
		if twice := strip(once); twice != once {
			t.Errorf("%q becomes %q, then %q", content, once, twice)
		}
	})
}

func TestControlEndpoint(t *testing.T) {
	t.Parallel()
	s := start(t, Config{NoLimits: true})
	order := func(name, body string) (int, map[string]any) {
		resp, err := client.Post(s.URL()+"/_sim/"+name, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var o map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&o); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, o
	}
	id := func(name, body string) string {
		t.Helper()
		status, o := order(name, body)
		text, _ := o["id"].(string)
		if status != 200 || text == "" {
			t.Fatalf("%s: %d %v", name, status, o)
		}
		return text
	}
	guild := id("guild", `{}`)
	channel := id("channel", `{"guild":"`+guild+`"}`)
	user := id("user", `{"name":"ann"}`)
	thread := id("thread", `{"channel":"`+channel+`","user":"`+user+`","thread":{"name":"kettle"}}`)
	post := id("post", `{"channel":"`+thread+`","user":"`+user+`","content":"hello"}`)
	if list := s.Messages(thread); len(list) != 1 || list[0].ID != post {
		t.Fatalf("messages %+v", list)
	}
	for _, test := range []struct {
		name, body string
		status     int
	}{
		{"archive", `{"thread":"` + thread + `"}`, 200},
		{"archive", `{"thread":"1"}`, 400},
		{"slash", `{"user":"` + user + `","channel":"` + channel + `","command":"agent"}`, 400},
		{"gateway", `{"do":"drop"}`, 200},
		{"gateway", `{"do":"dance"}`, 400},
		{"fault", `{"route":"GET /gateway","status":500}`, 200},
		{"post", `{`, 400},
	} {
		if status, o := order(test.name, test.body); status != test.status {
			t.Errorf("%s %s: %d %v, want %d", test.name, test.body, status, o, test.status)
		}
	}
	for path, want := range map[string]int{"/api/v9/gateway": 500, "/_sim/messages?channel=" + thread: 200, "/_sim/calls": 200, "/_sim/violations": 200, "/_sim/gateway": 200} {
		req, err := http.NewRequest("GET", s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// BenchmarkConversation measures a person's post, its event, and the bot's answer.
func BenchmarkConversation(b *testing.B) {
	s, err := Start(Config{NoLimits: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	guild := s.AddGuild("")
	channel, user := s.AddChannel(guild, "", Text), s.AddUser(User{})
	keepAlive := &http.Client{}
	defer keepAlive.CloseIdleConnections()
	for b.Loop() {
		if _, err := s.Post(channel, user, "hello"); err != nil {
			b.Fatal(err)
		}
		req, err := http.NewRequest("POST", s.URL()+"/api/v9/channels/"+channel+"/messages", strings.NewReader(`{"content":"hi"}`))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bot sim-bot-token")
		req.Header.Set("User-Agent", "DiscordBot (x, 1)")
		req.Header.Set("Content-Type", "application/json")
		resp, err := keepAlive.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
