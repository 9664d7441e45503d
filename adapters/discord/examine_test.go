package discord

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/bridge"
)

// Ids of the patient's server.
const (
	theGuild = "1100000000000000001"
	theText  = "1100000000000000002"
	theForum = "1100000000000000003"
	theRole  = "1100000000000000004"
	thePal   = "1100000000000000005"
	ownRole  = theGuild + "1"
	nowhere  = "1100000000000000099"
)

// patient is one whom Examine looks at: all is well with it until a test injures it.
type patient struct {
	sim    discordsim.Config
	config Config
	routes []bridge.Route
	injure func(*discordsim.Sim) error
	quick  bool
}

func healthy() *patient {
	return &patient{
		config: Config{Name: "community", BotToken: simToken, Guilds: []string{theGuild}},
		routes: []bridge.Route{{Adapter: "community", Channels: []string{theText, theForum, "dm"}, Staff: []string{"role:" + theRole, thePal}}},
		injure: func(*discordsim.Sim) error { return nil },
	}
}

// examine starts the simulator with the commands registered, injures it and looks. Nothing may be done there that changes
// anything.
func (p *patient) examine(t *testing.T) (found []bridge.Finding, calls int) {
	t.Helper()
	sim, err := discordsim.Start(p.sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	sim.AddGuild(theGuild)
	sim.AddChannel(theGuild, theText, discordsim.Text)
	sim.AddChannel(theGuild, theForum, discordsim.Forum)
	sim.AddUser(discordsim.User{ID: thePal, Roles: []string{theRole}})
	registrar, err := New(Config{Name: "first", BotToken: simToken, APIURL: sim.URL(), Guilds: []string{theGuild}})
	if err != nil {
		t.Fatal(err)
	}
	guild, _ := parseSnowflake(theGuild)
	app, _ := parseSnowflake(simBot)
	if err := registrar.registerCommands(t.Context(), app, guild); err != nil {
		t.Fatal(err)
	}
	registrar.client.CloseIdleConnections()
	if err := p.injure(sim); err != nil {
		t.Fatal(err)
	}
	if p.config.APIURL == "" {
		p.config.APIURL = sim.URL()
	}
	a, err := New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	before := len(sim.Calls())
	found = a.Examine(t.Context(), p.routes, p.quick)
	if v := sim.Violations(); len(v) > 0 {
		t.Errorf("rules were broken: %q", v)
	}
	for _, c := range sim.Calls()[before:] {
		calls++
		if !strings.HasPrefix(c.Route, "GET ") {
			t.Errorf("%s was called", c.Route)
		}
	}
	sim.View(func(v *discordsim.View) {
		if g := v.Gateway(); g.Connected > 0 {
			t.Errorf("the gateway was connected to: %+v", g)
		}
	})
	for _, f := range found {
		if text := f.Found + f.Means + f.Fix; f.Part != "community" || strings.Contains(text, simToken) {
			t.Errorf("part %q, or a secret in it: %+v", f.Part, f)
		}
		if (f.Level == bridge.FindingOK) != (f.Means == "" && f.Fix == "") || f.Found == "" || f.Check == "" {
			t.Errorf("a level without its words: %+v", f)
		}
	}
	return found, calls
}

// bad are the findings that are not ok.
func bad(list []bridge.Finding) []bridge.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f bridge.Finding) bool { return f.Level == bridge.FindingOK })
}

func TestExamineHealthy(t *testing.T) {
	t.Parallel()
	for _, quick := range []bool{false, true} {
		p := healthy()
		p.quick = quick
		found, calls := p.examine(t)
		for _, f := range bad(found) {
			t.Errorf("not well: %+v", f)
		}
		want := []string{checkReach, checkClock, checkToken, checkContent, checkEndpoint, checkBudget, checkGuild, checkChannel,
			checkPermission + "view", checkPermission + "history", checkPermission + "make", checkPermission + "threads", checkPermission + "send", checkTags}
		if !quick {
			want = append(want, checkCommands, checkGlobal, checkStaff, checkDirect)
		} else if calls != 5 {
			t.Errorf("%d calls were made for a quick look", calls)
		}
		for _, w := range want {
			if !slices.ContainsFunc(found, func(f bridge.Finding) bool { return f.Check == w }) {
				t.Errorf("nothing was found of %s (quick: %t)", w, quick)
			}
		}
	}
}

// TestExamineFaults injures one thing at a time.
func TestExamineFaults(t *testing.T) {
	t.Parallel()
	const fault, warning = bridge.FindingFault, bridge.FindingWarning
	type sim = discordsim.Sim
	lack := func(channel string, bit int64) func(*patient) {
		return func(p *patient) {
			p.injure = func(s *sim) error { return s.SetPermissions(channel, discordsim.DefaultPermissions&^bit) }
		}
	}
	do := func(f func(*sim) error) func(*patient) { return func(p *patient) { p.injure = f } }
	route := func(channels ...string) func(*patient) { return func(p *patient) { p.routes[0].Channels = channels } }
	for _, c := range []struct {
		name    string
		change  func(*patient)
		check   string
		subject string
		level   bridge.FindingLevel
		fix     string // part of it
	}{
		{"a token nobody knows", func(p *patient) { p.config.BotToken = "wrong" }, checkToken, "", fault, "Reset Token"},
		{"a token with the prefix", func(p *patient) { p.config.BotToken = "Bot x" }, checkToken, "", fault, "Take \"Bot \" away in bot_token of [adapters.community]"},
		{"no message content", func(p *patient) { p.sim.NoMessageContent = true }, checkContent, "", fault, "/" + simBot + "/bot: Bot, Privileged Gateway Intents: switch on \"Message Content Intent\""},
		{"interactions go elsewhere", func(p *patient) { p.sim.InteractionsURL = "https://example.com" }, checkEndpoint, "", fault, "empty Interactions Endpoint URL"},
		{"few starts are left", func(p *patient) { p.sim.IdentifyTotal = 49 }, checkBudget, "", warning, "starts again and again"},
		{"no start is left", func(p *patient) { p.sim.IdentifyTotal = -1 }, checkBudget, "", fault, "starts again and again"},
		{"not in the guild", do(func(s *sim) error { return s.KickBot(theGuild) }), checkGuild, theGuild, fault, "client_id=" + simBot + "&scope=bot+applications.commands&permissions=309237713920"},
		{"a guild nobody knows", func(p *patient) { p.config.Guilds = append(p.config.Guilds, nowhere) }, checkGuild, nowhere, fault, "Copy Server ID"},
		{"in time-out", do(func(s *sim) error { return s.TimeoutBot(theGuild, time.Hour) }), checkTimeout, theGuild, fault, "Remove Timeout"},
		{"no such channel", route(nowhere), checkChannel, nowhere, fault, "Copy Channel ID"},
		{"a channel of another guild", func(p *patient) {
			p.routes[0].Channels = []string{nowhere}
			p.injure = func(s *sim) error { s.AddChannel("1100000000000000098", nowhere, discordsim.Text); return nil }
		}, checkChannel, nowhere, fault, "Add \"1100000000000000098\" to guilds of [adapters.community]"},
		{"an unseen channel of another guild", func(p *patient) {
			p.routes[0].Channels = []string{nowhere}
			p.injure = func(s *sim) error {
				s.AddChannel("1100000000000000098", nowhere, discordsim.Text)
				return s.SetPermissions(nowhere, 0)
			}
		}, checkChannel, nowhere, fault, "add the server to guilds"},
		{"a voice channel", func(p *patient) {
			p.routes[0].Channels = []string{nowhere}
			p.injure = func(s *sim) error { s.AddChannel(theGuild, nowhere, discordsim.Voice); return nil }
		}, checkChannel, nowhere, fault, "Name a text channel"},
		{"no channel for all", func(p *patient) {
			p.routes[0].Channels = []string{"*"}
			p.injure = func(s *sim) error {
				if err := s.SetPermissions(theForum, 0); err != nil {
					return err
				}
				return s.SetPermissions(theText, 0)
			}
		}, checkChannel, "*", warning, "View Channel"},
		{"one of all channels", func(p *patient) {
			p.routes[0].Channels = []string{"*"}
			p.injure = func(s *sim) error { return s.Overwrite(theText, theGuild, 0, discordsim.SendInThreads) }
		}, checkPermission + "threads", theText, fault, "add the bot and set \"Send Messages in Threads\" to ✓ (it is ✗ there for @everyone)"},
		{"cannot view", lack(theText, discordsim.ViewChannel), checkPermission + "view", theText, fault, "Advanced permissions, the bot: set \"View Channel\" to ✓"},
		{"cannot read the history", lack(theText, discordsim.ReadHistory), checkPermission + "history", theText, warning, "Read Message History"},
		{"cannot make threads", lack(theText, discordsim.CreatePublicThreads), checkPermission + "make", theText, fault, "Create Public Threads"},
		{"cannot post in threads", lack(theText, discordsim.SendInThreads), checkPermission + "threads", theText, fault, "Send Messages in Threads"},
		{"cannot post in posts", lack(theForum, discordsim.SendInThreads), checkPermission + "threads", theForum, fault, "Send Messages in Threads"},
		{"cannot post", lack(theText, discordsim.SendMessages), checkPermission + "send", theText, warning, "Send Messages"},
		{"its role may not view", func(p *patient) {
			p.routes[0].Channels = []string{theText}
			p.injure = func(s *sim) error {
				if err := s.SetRole(theGuild, discordsim.Role{ID: theGuild}); err != nil {
					return err
				}
				return s.SetRole(theGuild, discordsim.Role{ID: ownRole, Permissions: discordsim.DefaultPermissions &^ discordsim.ViewChannel})
			}
		}, checkPermission + "view", theText, fault, "Server Settings, Roles, ccbridge, Permissions: switch on \"View Channel\""},
		{"its other role is kept out", func(p *patient) {
			p.routes[0].Channels = []string{theText}
			p.injure = func(s *sim) error {
				if err := s.GiveBot(theGuild, ownRole, theRole); err != nil {
					return err
				}
				return s.Overwrite(theText, theRole, 0, discordsim.ViewChannel)
			}
		}, checkPermission + "view", theText, fault, "it is ✗ there for the role role " + theRole},
		{"a forum with tags nobody may set", do(func(s *sim) error {
			return s.SetForum(theForum, discordsim.ForumRules{RequireTag: true, Moderated: true, Tags: []string{"solved"}})
		}), checkTags, theForum, warning, "without \"Only allow moderators to apply this tag\""},
		{"commands of another configuration", func(p *patient) { p.config.Commands.Agent = "human" }, checkCommands, theGuild, warning, "Start the bridge"},
		{"no right to have commands", do(func(s *sim) error { return s.WithoutCommands(theGuild) }), checkCommands, theGuild, warning, "scope=bot+applications.commands"},
		{"commands twice", do(func(s *sim) error {
			return put(s, "/applications/"+simBot+"/commands", `[{"name":"end","description":"x"}]`)
		}), checkGlobal, "", warning,
			"curl -X PUT -H \"Authorization: Bot $DISCORD_BOT_TOKEN\""},
		{"a staff's role nobody knows", func(p *patient) { p.routes[0].Staff = []string{"role:" + nowhere} }, checkStaff, "role:" + nowhere, warning, "Copy Role ID"},
		{"staff nobody knows", func(p *patient) { p.routes[0].Staff = []string{nowhere} }, checkStaff, nowhere, warning, "Copy User ID"},
		{"a clock that is wrong", do(func(s *sim) error { s.Advance(time.Minute); return nil }), checkClock, "", fault, "timedatectl set-ntp true"},
		{"limited", do(func(s *sim) error {
			s.Fail(discordsim.Fault{Route: "GET /gateway/bot", Status: 429, Body: `{"message":"","retry_after":60,"global":false}`})
			return nil
		}), checkLimit, "the gateway", warning, "Look again"},
		{"Discord is ill", do(func(s *sim) error {
			s.Fail(discordsim.Fault{Route: "GET /guilds/{guild}", Status: 503, Body: "upstream"})
			return nil
		}), checkReach, "answer", fault, "some minutes"},
		{"nothing listens", func(p *patient) { p.config.APIURL = unheard(t) }, checkReach, "refused", fault, "api_url of [adapters.community]"},
		{"an untrusted certificate", func(p *patient) { p.config.APIURL = untrusted(t) }, checkReach, "tls", fault, "SSL_CERT_FILE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := healthy()
			c.change(p)
			all, _ := p.examine(t)
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

// put makes a call as another program with the bot's token would.
func put(s *discordsim.Sim, path, body string) error {
	req, err := http.NewRequest(http.MethodPut, s.URL()+"/api/v10"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = http.Header{"Authorization": {"Bot " + simToken}, "Content-Type": {"application/json"}, "User-Agent": {"DiscordBot (x, 1)"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.Body.Close()
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

// TestExamineEnds: an examination whose context is over asks nothing.
func TestExamineEnds(t *testing.T) {
	t.Parallel()
	sim, err := discordsim.Start(discordsim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	p := healthy()
	p.config.APIURL = sim.URL()
	a, err := New(p.config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Examine(ctx, p.routes, false)
	if calls := sim.Calls(); len(calls) > 0 {
		t.Errorf("asked: %+v", calls)
	}
}

// TestExamineNonsense: whatever is answered, an examination ends, with something to say.
func TestExamineNonsense(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"GET /applications/@me", "GET /gateway/bot", "GET /guilds/{guild}", "GET /guilds/{guild}/members/{user}", "GET /guilds/{guild}/channels",
		"GET /applications/{app}/guilds/{guild}/commands", "GET /applications/{app}/commands"} {
		for _, body := range []string{"", "null", "[]", "{}", "[null]", "[7]", `{"id":7,"roles":7,"flags":"x"}`, `[{"id":"x","permission_overwrites":[{"allow":"x"}]}]`, "<html>"} {
			p := healthy()
			p.routes[0].Channels = append(p.routes[0].Channels, "*")
			p.injure = func(s *discordsim.Sim) error {
				s.Fail(discordsim.Fault{Route: route, Status: http.StatusOK, Body: body, Times: -1})
				return nil
			}
			if found, _ := p.examine(t); len(found) == 0 {
				t.Errorf("%s %q: nothing was found", route, body)
			}
		}
	}
}
