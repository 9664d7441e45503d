package discordsim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openAPI is the part of Discord's document that says which fields an answer must have.
type openAPI struct {
	Paths      map[string]map[string]json.RawMessage // by method, and "parameters"
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Required   []string
	Properties map[string]schema
	Items      *schema
	OneOf      []schema `json:"oneOf"`
	AllOf      []schema `json:"allOf"`
}

// check says what is wrong with v, "" if nothing is.
func (d *openAPI) check(s schema, v any, at string) string {
	if s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	if len(s.OneOf) > 0 {
		var faults []string
		for _, one := range s.OneOf {
			fault := d.check(one, v, at)
			if fault == "" {
				return ""
			}
			faults = append(faults, fault)
		}
		return strings.Join(faults, "; or ")
	}
	if !typeFits(s.Type, v) {
		return fmt.Sprintf("%s is %T, not %v", at, v, s.Type)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				return at + "." + name + " is missing"
			}
		}
		for name, p := range s.Properties {
			if value, ok := v[name]; ok {
				if fault := d.check(p, value, at+"."+name); fault != "" {
					return fault
				}
			}
		}
	case []any:
		for i, item := range v {
			if s.Items != nil {
				if fault := d.check(*s.Items, item, fmt.Sprintf("%s[%d]", at, i)); fault != "" {
					return fault
				}
			}
		}
	}
	return ""
}

func typeFits(want, v any) bool {
	switch want := want.(type) {
	case []any:
		for _, w := range want {
			if typeFits(w, v) {
				return true
			}
		}
		return false
	case string:
		switch v.(type) {
		case nil:
			return want == "null"
		case bool:
			return want == "boolean"
		case string:
			return want == "string"
		case float64:
			return want == "integer" || want == "number"
		case []any:
			return want == "array"
		}
		return want == "object"
	}
	return true
}

func TestAnswersFitOpenAPI(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CCBRIDGE_SHARED_DATA")
	if dir == "" {
		t.Skip("CCBRIDGE_SHARED_DATA is unset: no discord-openapi.json to compare with")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "discord-openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc openAPI
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, Config{NoLimits: true})
	forum := w.AddChannel(w.guild, "", Forum)
	w.ok(w.SetForum(forum, ForumRules{RequireTag: true, Tags: []string{"bug", "question"}}))
	w.ok(w.Overwrite(forum, w.guild, SendInThreads, MentionEveryone))
	hers := w.post(w.channel, "from", Extra{Attachments: []File{{Name: "ä.txt", Data: []byte("x")}}, Sticker: "wave"})
	w.post(w.channel, "", Extra{Forward: &Forward{Content: "forwarded"}})
	mine := w.send(w.channel, `{"content":"mine","nonce":"1","message_reference":{"message_id":"`+hers+`"},"components":[{"type":1,"components":[{"type":2,"style":1,"label":"x","custom_id":"x"}]}]}`).id()
	archived, active := w.thread(), w.thread()
	w.ok(w.Archive(archived))
	dm := w.OpenDM(w.user)
	app := "/applications/" + w.bot.ID
	w.call("PUT", app+"/commands", `[{"name":"agent","description":"x"}]`)
	interaction := w.id(w.Slash(w.user, w.channel, "agent", nil))
	token := w.actions[interaction].token
	for _, test := range []struct{ method, path, pattern, body string }{
		{"GET", "/gateway", "/gateway", ""},
		{"GET", "/gateway/bot", "/gateway/bot", ""},
		{"GET", "/users/@me", "/users/@me", ""},
		{"GET", "/users/" + w.user, "/users/{user_id}", ""},
		{"GET", "/applications/@me", "/applications/@me", ""},
		{"GET", "/oauth2/applications/@me", "/oauth2/applications/@me", ""},
		{"POST", "/users/@me/channels", "/users/@me/channels", `{"recipient_id":"` + w.user + `"}`},
		{"GET", "/guilds/" + w.guild, "/guilds/{guild_id}", ""},
		{"GET", "/guilds/" + w.guild + "/members/" + w.bot.ID, "/guilds/{guild_id}/members/{user_id}", ""},
		{"GET", "/guilds/" + w.guild + "/channels", "/guilds/{guild_id}/channels", ""},
		{"GET", "/guilds/" + w.guild + "/members/" + w.user, "/guilds/{guild_id}/members/{user_id}", ""},
		{"GET", "/guilds/" + w.guild + "/threads/active", "/guilds/{guild_id}/threads/active", ""},
		{"GET", "/channels/" + w.channel, "/channels/{channel_id}", ""},
		{"GET", "/channels/" + active, "/channels/{channel_id}", ""},
		{"GET", "/channels/" + dm, "/channels/{channel_id}", ""},
		{"PATCH", "/channels/" + active, "/channels/{channel_id}", `{"archived":true,"locked":true}`},
		{"GET", "/channels/" + w.channel + "/threads/archived/public", "/channels/{channel_id}/threads/archived/public", ""},
		{"POST", "/channels/" + w.channel + "/threads", "/channels/{channel_id}/threads", `{"name":"x"}`},
		{"POST", "/channels/" + forum + "/threads", "/channels/{channel_id}/threads", `{"name":"x","message":{"content":"y"}}`},
		{"POST", "/channels/" + w.channel + "/messages/" + hers + "/threads", "/channels/{channel_id}/messages/{message_id}/threads", `{"name":"x"}`},
		{"GET", "/channels/" + w.channel + "/messages", "/channels/{channel_id}/messages", ""},
		{"POST", "/channels/" + w.channel + "/messages", "/channels/{channel_id}/messages", `{"content":"x"}`},
		{"GET", "/channels/" + w.channel + "/messages/" + mine, "/channels/{channel_id}/messages/{message_id}", ""},
		{"PATCH", "/channels/" + w.channel + "/messages/" + mine, "/channels/{channel_id}/messages/{message_id}", `{"content":"y"}`},
		{"GET", app + "/commands", "/applications/{application_id}/commands", ""},
		{"PUT", app + "/guilds/" + w.guild + "/commands", "/applications/{application_id}/guilds/{guild_id}/commands", `[{"name":"end","description":"x","options":[{"type":3,"name":"why","description":"x"}]}]`},
		{"POST", "/interactions/" + interaction + "/" + token + "/callback?with_response=true", "/interactions/{interaction_id}/{interaction_token}/callback", `{"type":5}`},
		{"PATCH", "/webhooks/" + w.bot.ID + "/" + token + "/messages/@original", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", `{"content":"x"}`},
		{"GET", "/webhooks/" + w.bot.ID + "/" + token + "/messages/@original", "/webhooks/{webhook_id}/{webhook_token}/messages/@original", ""},
		{"POST", "/webhooks/" + w.bot.ID + "/" + token, "/webhooks/{webhook_id}/{webhook_token}", `{"content":"x"}`},
	} {
		r := w.call(test.method, test.path, test.body)
		var op operation
		if err := json.Unmarshal(doc.Paths[test.pattern][strings.ToLower(test.method)], &op); err != nil {
			t.Fatalf("%s %s in the document: %v", test.method, test.pattern, err)
		}
		response, known := op.Responses[fmt.Sprint(r.status)]
		if !known || len(response.Content) == 0 {
			t.Errorf("%s %s: %d %s is not in the document", test.method, test.pattern, r.status, r.body)
			continue
		}
		var v any
		r.decode(&v)
		if fault := doc.check(response.Content["application/json"].Schema, v, "answer"); fault != "" {
			t.Errorf("%s %s: %s", test.method, test.pattern, fault)
		}
	}
}
