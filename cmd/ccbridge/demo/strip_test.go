package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestStrip: what the bridge's log says, in the strip's words.
func TestStrip(t *testing.T) {
	t.Parallel()
	const of = `"thread":"demo-slack/T/C/17.5","session":2,"delivery":"d1"`
	for line, want := range map[string]string{
		`{"msg":"stored","kind":"text","event":"e1","thread":"demo-slack/T/C/17.5"}`:                                                     "stored: a message [17.5 0 e1 info]",
		`{"msg":"stepped",` + of + `,"from":"","to":"opening","deliveries":1}`:                                                           "stepped: new → opening, 1 delivery [17.5 2  info]",
		`{"msg":"stepped",` + of + `,"from":"robot","to":"robot","deliveries":0}`:                                                        "stepped: robot, 0 deliveries [17.5 2  info]",
		`{"msg":"begun",` + of + `,"call":"CHAT","tries":2,"target":"centre","visitor":"v1"}`:                                            "begun: CHAT to the centre, try 2 [17.5 2 d1 warn]",
		`{"msg":"settled",` + of + `,"call":"agent","target":"thread","outcome":"delivered","took_ms":7}`:                                "settled: a post of the agent's words: delivered, 7 ms [17.5 2 d1 ok]",
		`{"msg":"settled",` + of + `,"call":"CHAT","target":"centre","outcome":"refused"}`:                                               "settled: CHAT to the centre: refused, 0 ms [17.5 2 d1 bad]",
		`{"msg":"looked",` + of + `,"call":"CHAT","found":"done"}`:                                                                       "looked up: CHAT: it was done, so it is not repeated [17.5 2 d1 human]",
		`{"msg":"call failed",` + of + `,"call":"CHAT","target":"centre","certainty":"not done","error":"429 (not done, scope centre)"}`: "failed: CHAT to the centre: not done, tried again later (429) [17.5 2 d1 bad]",
		`{"msg":"state","part":"centre","state":"down","detail":"no answer"}`:                                                            "down: centre: no answer [ 0  bad]",
		`{"msg":"an answer could not be shown","level":"WARN",` + of + `}`:                                                               "warning: an answer could not be shown [17.5 2 d1 bad]",
		`{"msg":"session","level":"INFO",` + of + `}`:                                                                                    "",
		`no JSON`: "",
	} {
		s := newStrip()
		s.hear([]byte(line))
		got := ""
		for _, step := range s.newest(5) {
			got = fmt.Sprintf("%s: %s [%s %d %s %s]", step.What, strings.TrimSpace(step.Detail), step.Thread, step.Session, step.ID, step.Level)
		}
		if got != want {
			t.Errorf("%s\n\tgives %s\n\twant  %s", line, got, want)
		}
		if strings.Contains(line, "v1") != (s.trails()["v1"] == "17.5") {
			t.Errorf("%s: the visitors' threads are %v", line, s.trails())
		}
	}
}

// TestStripStands: what is on the line, and what a kill takes off it.
func TestStripStands(t *testing.T) {
	t.Parallel()
	s := newStrip()
	for _, part := range []string{"demo-slack", "demo-discord"} {
		if online, _ := s.standing(); online {
			t.Error("online too early")
		}
		s.hear([]byte(`{"msg":"state","part":"` + part + `","state":"up"}`))
	}
	s.hear([]byte(`{"msg":"looked"}`))
	if online, looks := s.standing(); !online || looks != 1 {
		t.Errorf("online %v, looked %d times", online, looks)
	}
	s.tell("killed", "SIGKILL")
	if online, _ := s.standing(); online {
		t.Error("online although killed")
	}
}

// FuzzStrip: whatever comes, the strip stays small and valid.
func FuzzStrip(f *testing.F) {
	f.Add([]byte(`{"msg":"looked","found":"done","thread":"a/b/c/d"}`))
	f.Add([]byte(`{"msg":"state","state":"` + strings.Repeat("\u202e", 300) + `"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		s := newStrip()
		for range keptSteps + 5 {
			s.hear(line)
		}
		for _, step := range s.newest(1000) {
			if utf8.RuneCountInString(step.Detail) > maxDetail || step.What == "" && bytes.Contains(line, []byte("begun")) {
				t.Fatalf("%+v", step)
			}
			if _, err := json.Marshal(step); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(s.newest(1000)); n > keptSteps {
			t.Fatalf("%d steps are kept", n)
		}
	})
}
