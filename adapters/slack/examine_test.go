package slack

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
)

const closed = "C0PRIVATE"

// patient is one whom Examine looks at: all is well with it until a test injures it.
type patient struct {
	sim    slacksim.Config
	config Config
	routes []bridge.Route
	injure func(*slacksim.Sim)
	quick  bool
}

func healthy() *patient {
	return &patient{
		sim:    slacksim.Config{AppToken: "xapp-1-A0BRIDGE-1-x"},
		config: Config{Name: "acme", BotToken: "xoxb-sim", AppToken: "xapp-1-A0BRIDGE-1-x"},
		routes: []bridge.Route{{Adapter: "acme", Channels: []string{general, closed, "dm"}, Staff: []string{ada}}},
		injure: func(*slacksim.Sim) {},
	}
}

// examine starts the simulator, injures it and looks. Nothing may be done there that changes anything.
func (p *patient) examine(t *testing.T) []bridge.Finding {
	t.Helper()
	sim := newSim(t, p.sim)
	sim.AddChannel(slacksim.Channel{ID: closed, Name: "closed", Private: true})
	p.injure(sim)
	if p.config.APIURL == "" {
		p.config.APIURL = sim.URL()
	}
	a, err := New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	found := a.Examine(t.Context(), p.routes, p.quick)
	if v := sim.Violations(); len(v) > 0 {
		t.Errorf("rules were broken: %q", v)
	}
	if n := sim.Stats().SocketsEver; n > 0 {
		t.Errorf("%d sockets were opened", n)
	}
	reads := []string{"auth.test", "bots.info", "users.info", "users.conversations", "conversations.info", "conversations.history", "apps.connections.open"}
	for _, c := range sim.Calls("") {
		if !slices.Contains(reads, c.Method) {
			t.Errorf("%s was called", c.Method)
		}
	}
	for _, f := range found {
		if text := f.Found + f.Means + f.Fix; f.Part != "acme" || strings.Contains(text, p.config.BotToken) || strings.Contains(text, p.config.AppToken) {
			t.Errorf("part %q, or a secret in it: %+v", f.Part, f)
		}
		if (f.Level == bridge.FindingOK) != (f.Means == "" && f.Fix == "") || f.Found == "" || f.Check == "" {
			t.Errorf("a level without its words: %+v", f)
		}
	}
	return found
}

// bad are the findings that are not ok.
func bad(list []bridge.Finding) []bridge.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f bridge.Finding) bool { return f.Level == bridge.FindingOK })
}

func TestExamineHealthy(t *testing.T) {
	t.Parallel()
	found := healthy().examine(t)
	for _, f := range bad(found) {
		t.Errorf("not well: %+v", f)
	}
	for _, want := range []string{checkReach, checkClock, checkBotToken, checkBot, checkAppToken, checkScope, checkChannel, checkHistory, checkDirect, checkPeople, checkManifest} {
		if !hasFinding(found, want) {
			t.Errorf("nothing was found of %s", want)
		}
	}
}

func TestExamineQuick(t *testing.T) {
	t.Parallel()
	p := healthy()
	p.quick = true
	var sim *slacksim.Sim
	p.injure = func(s *slacksim.Sim) { sim = s }
	for _, f := range bad(p.examine(t)) {
		t.Errorf("not well: %+v", f)
	}
	if calls := len(sim.Calls("")); calls != 4 {
		t.Errorf("%d calls were made", calls)
	}
}

// TestExamineFaults injures one thing at a time.
func TestExamineFaults(t *testing.T) {
	t.Parallel()
	const fault, warning = bridge.FindingFault, bridge.FindingWarning
	scopesBut := func(lacks ...string) func(*slacksim.Sim) {
		return func(s *slacksim.Sim) {
			var rest []string
			for _, sc := range allScopes {
				if !slices.Contains(lacks, sc.name) {
					rest = append(rest, sc.name)
				}
			}
			s.SetScopes(rest...)
		}
	}
	revoked := func(token, code string) func(*slacksim.Sim) { return func(s *slacksim.Sim) { s.Revoke(token, code) } }
	do := func(f func(*slacksim.Sim) error) func(*slacksim.Sim) {
		return func(s *slacksim.Sim) {
			if err := f(s); err != nil {
				t.Error(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		change  func(*patient)
		check   string
		subject string
		level   bridge.FindingLevel
		fix     string // part of it
	}{
		{"a bot token nobody knows", func(p *patient) { p.config.BotToken = "xoxb-wrong" }, checkBotToken, "", fault, "/oauth (OAuth & Permissions): copy the Bot User OAuth Token"},
		{"taken back", func(p *patient) { p.injure = revoked("xoxb-sim", "token_revoked") }, checkBotToken, "", fault, "Install to Workspace"},
		{"uninstalled", func(p *patient) { p.injure = revoked("xoxb-sim", "account_inactive") }, checkBotToken, "", fault, "Install to Workspace"},
		{"expired", func(p *patient) { p.injure = revoked("xoxb-sim", "token_expired") }, checkBotToken, "", fault, "leaves rotation off"},
		{"the organisation does not let it in", func(p *patient) { p.injure = revoked("xoxb-sim", "team_access_not_granted") }, checkBotToken, "", fault, "Ask an owner"},
		{"the app token for the bot's", func(p *patient) { p.config.BotToken = p.config.AppToken }, checkBotToken, "", fault, "Bot User OAuth Token (xoxb-…) into bot_token of [adapters.acme]"},
		{"a person's token by its form", func(p *patient) { p.config.BotToken, p.sim.BotToken = "xoxp-1", "xoxp-1" }, checkBotToken, "", fault, "Bot User OAuth Token"},
		{"a person's token by its answer", func(p *patient) { p.sim.UserToken = true }, checkBotToken, "", fault, "Bot User OAuth Token"},
		{"a rotating token", func(p *patient) { p.config.BotToken, p.sim.BotToken = "xoxe.xoxb-1", "xoxe.xoxb-1" }, checkBotToken, "", warning, "make the app anew from the manifest"},
		{"the bot token for the app's", func(p *patient) { p.config.AppToken = "xoxb-sim" }, checkAppToken, "", fault, "App-Level Tokens"},
		{"an app token nobody knows", func(p *patient) { p.config.AppToken = "xapp-1-A0BRIDGE-1-y" }, checkAppToken, "", fault, "/general (Basic Information): under App-Level Tokens"},
		{"an app token taken back", func(p *patient) { p.injure = revoked("xapp-1-A0BRIDGE-1-x", "token_revoked") }, checkAppToken, "", fault, "App-Level Tokens"},
		{"an app token without connections:write", func(p *patient) { p.injure = func(s *slacksim.Sim) { s.SetAppScopes() } }, checkAppToken, "", fault, "with connections:write"},
		{"another app's app token", func(p *patient) {
			p.sim.AppToken, p.config.AppToken = "xapp-1-A0OTHERAPP-1-x", "xapp-1-A0OTHERAPP-1-x"
		}, checkAppToken, "", fault, "apps/A0BRIDGE/general"},
		{"Socket Mode is off", func(p *patient) {
			p.injure = func(s *slacksim.Sim) {
				s.Inject(slacksim.Fault{Method: "apps.connections.open", Body: `{"ok":false,"error":"link_disabled"}`})
			}
		}, checkAppToken, "", fault, "switch on Enable Socket Mode"},
		{"no chat:write", func(p *patient) { p.injure = scopesBut("chat:write") }, checkScope, "chat:write", fault, "add chat:write, then press Reinstall to Workspace"},
		{"no chat:write.customize", func(p *patient) { p.injure = scopesBut("chat:write.customize") }, checkScope, "chat:write.customize", warning, "add chat:write.customize"},
		{"no commands", func(p *patient) { p.injure = scopesBut("commands") }, checkScope, "commands", warning, "add commands"},
		{"no users:read", func(p *patient) { p.injure = scopesBut("users:read") }, checkScope, "users:read", warning, "add users:read"},
		{"no channels:history", func(p *patient) { p.injure = scopesBut("channels:history") }, checkScope, "channels:history", fault, "add channels:history"},
		{"no groups:history", func(p *patient) { p.injure = scopesBut("groups:history") }, checkScope, "groups:history", fault, "add groups:history"},
		{"no groups:read", func(p *patient) { p.injure = scopesBut("groups:read") }, checkScope, "groups:read", warning, "add groups:read"},
		{"no channels:read", func(p *patient) { p.injure = scopesBut("channels:read") }, checkScope, "channels:read", warning, "add channels:read"},
		{"no im:history", func(p *patient) { p.injure = scopesBut("im:history") }, checkScope, "im:history", fault, "add im:history"},
		{"no im:read", func(p *patient) { p.injure = scopesBut("im:read") }, checkScope, "im:read", warning, "add im:read"},
		{"a classic app", func(p *patient) {
			p.injure = func(s *slacksim.Sim) {
				s.SetScopes("identify", "bot", "channels:history", "groups:history", "channels:read", "groups:read", "users:read", "im:history")
			}
		},
			checkScope, "bot", fault, "Create New App"},
		{"no such channel", func(p *patient) { p.routes[0].Channels[0] = "C0NOWHERE" }, checkChannel, "C0NOWHERE", fault, "at the bottom of the channel's details"},
		{"a private channel without the bot", func(p *patient) {
			p.injure = do(func(s *slacksim.Sim) error { return s.KickBot(closed) })
		}, checkChannel, closed, fault, "/invite @bridge"},
		{"not in the channel", func(p *patient) { p.injure = do(func(s *slacksim.Sim) error { return s.KickBot(general) }) }, checkChannel, general, fault, "In the channel #general write: /invite @bridge"},
		{"archived", func(p *patient) { p.injure = do(func(s *slacksim.Sim) error { return s.Archive(general) }) }, checkChannel, general, fault, "Unarchive"},
		{"only some may post", func(p *patient) {
			p.injure = func(s *slacksim.Sim) { s.AddChannel(slacksim.Channel{ID: general, Name: "general", ReadOnly: true}) }
		}, checkChannel, general, warning, "Posting permissions"},
		{"shared with others", func(p *patient) {
			p.injure = func(s *slacksim.Sim) { s.AddChannel(slacksim.Channel{ID: general, Name: "general", Shared: true}) }
		}, checkShared, general, warning, "@bridge agent"},
		{"in no channel", func(p *patient) {
			p.routes[0].Channels = []string{"*"}
			p.injure = do(func(s *slacksim.Sim) error { return errors.Join(s.KickBot(closed), s.KickBot(general)) })
		}, checkChannel, "*", warning, "/invite @bridge"},
		{"histories are limited", func(p *patient) { p.sim.Distributed = true }, checkHistory, closed, warning, "/distribute (Manage Distribution)"},
		{"one history is limited", func(p *patient) { p.sim.Distributed = true; p.routes[0].Channels = []string{general} }, checkHistory, general, warning, "Manage Distribution"},
		{"a history that cannot be read", func(p *patient) {
			p.injure = func(s *slacksim.Sim) {
				s.Inject(slacksim.Fault{Method: "conversations.history", Channel: general, Body: `{"ok":false,"error":"not_in_channel"}`})
			}
		}, checkHistory, general, warning, "See that the bot is in the channel"},
		{"staff nobody knows", func(p *patient) { p.routes[0].Staff = []string{"U0NOBODY"} }, checkPeople, "U0NOBODY", warning, "Copy member ID"},
		{"staff that left", func(p *patient) {
			p.injure = func(s *slacksim.Sim) { s.AddUser(slacksim.User{ID: ada, Name: "ada", Deleted: true}) }
		}, checkPeople, ada, warning, "Copy member ID"},
		{"staff that is a bot", func(p *patient) { p.routes[0].Staff = []string{bot} }, checkPeople, bot, warning, "Copy member ID"},
		{"a clock that is wrong", func(p *patient) { p.sim.Now = func() time.Time { return time.Now().Add(time.Minute) } }, checkClock, "", fault, "timedatectl set-ntp true"},
		{"a call that is limited", func(p *patient) {
			p.injure = func(s *slacksim.Sim) {
				s.Inject(slacksim.Fault{Method: "users.info", Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "7"}})
			}
		}, checkLimit, "users.info", warning, "in a minute"},
		{"something else answers", func(p *patient) {
			p.injure = func(s *slacksim.Sim) {
				s.Inject(slacksim.Fault{Status: http.StatusBadGateway, Body: "<html>", Times: -1})
			}
		}, checkReach, "answer", fault, "proxy or a firewall"},
		{"the line breaks", func(p *patient) { p.injure = func(s *slacksim.Sim) { s.Inject(slacksim.Fault{Drop: true, Times: -1}) } }, checkReach, "other", fault, "api_url of [adapters.acme]"},
		{"nothing listens", func(p *patient) { p.config.APIURL = unheard(t) }, checkReach, "refused", fault, "allow outgoing connections"},
		{"an untrusted certificate", func(p *patient) { p.config.APIURL = untrusted(t) }, checkReach, "tls", fault, "SSL_CERT_FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := healthy()
			c.change(p)
			all := p.examine(t)
			found := bad(all)
			if len(found) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(found), found)
			}
			if f := found[0]; f.Check != c.check || f.Subject != c.subject || f.Level != c.level || !strings.Contains(f.Fix, c.fix) {
				t.Errorf("%+v\nwant %s of %q, %s, with %q in its fix", f, c.check, c.subject, c.level, c.fix)
			}
			for _, f := range all {
				if f.Level == bridge.FindingOK && f.Check == c.check && (f.Subject == c.subject || c.check == checkReach) {
					t.Errorf("found well too: %+v", f)
				}
			}
		})
	}
}

// unheard is an address at which nothing listens.
func unheard(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

// untrusted is an address whose certificate nobody vouches for.
func untrusted(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of our refusal
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}

// TestExamineEnds: an examination whose context is over asks nothing more.
func TestExamineEnds(t *testing.T) {
	t.Parallel()
	p := healthy()
	sim := newSim(t, p.sim)
	p.config.APIURL = sim.URL()
	a, err := New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Examine(ctx, p.routes, false)
	if calls := sim.Calls(""); len(calls) > 0 {
		t.Errorf("asked: %+v", calls)
	}
}

// TestExamineNonsense: whatever is answered, an examination ends, with something to say.
func TestExamineNonsense(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"auth.test", "conversations.info", "conversations.history", "users.conversations", "users.info", "bots.info", "apps.connections.open"} {
		for _, body := range []string{"", "null", "[]", "{}", `{"ok":true}`, `{"ok":false}`, `{"ok":false,"error":"somebody's words"}`, `{"ok":true,"channel":7}`, "<html>"} {
			p := healthy()
			p.routes[0].Channels = append(p.routes[0].Channels, "*")
			p.injure = func(s *slacksim.Sim) {
				s.Inject(slacksim.Fault{Method: method, Status: http.StatusOK, Body: body, Times: -1})
			}
			found := p.examine(t)
			if len(found) == 0 {
				t.Errorf("%s %q: nothing was found", method, body)
			}
			for _, f := range found {
				if strings.Contains(f.Found, "words") {
					t.Errorf("%s: an answer's words are shown: %+v", method, f)
				}
			}
		}
	}
}
