package doctor

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/ccm"
	"ccbridge/ccm/ccmsim"
	"ccbridge/cmd/ccbridge/config"
)

// centreCase is a centre and who looks at it: all is well until a test injures one of them.
type centreCase struct {
	sim     ccmsim.Config
	subject Subject
	options Options
	injure  func(*ccmsim.Sim)
}

// look starts the simulator and examines the part centre.
func (c *centreCase) look(t *testing.T) []bridge.Finding {
	t.Helper()
	sim, err := ccmsim.Start(c.sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	own := &c.subject.Centre
	for text, value := range map[*string]string{&own.BaseURL: sim.URL(), &own.AppKey: sim.AppKey(), &own.AppSecret: sim.AppSecret()} {
		if *text == "" {
			*text = value
		}
	}
	if len(c.subject.Config.Routes) == 0 {
		c.subject.Config.Routes = []config.Route{{ChannelID: sim.ChannelID(), Locale: "en"}}
	}
	if c.injure != nil {
		c.injure(sim)
	}
	f := bridge.Findings{Part: partCentre}
	c.subject.centre(t.Context(), &f, c.options)
	for _, one := range f.List {
		if text := one.Found + one.Means + one.Fix; strings.Contains(text, sim.AppSecret()) || (one.Level == bridge.FindingOK) != (one.Means == "" && one.Fix == "") {
			t.Errorf("a secret, or a level without its words: %+v", one)
		}
	}
	for _, s := range sim.Sessions() {
		if s.State != ccmsim.StateNone && s.State != ccmsim.StateEnded || s.Number > 0 && !c.options.Live {
			t.Errorf("a session was left at the centre: %+v", s)
		}
	}
	return f.List
}

func newCentreCase() *centreCase {
	machine := ThisMachine()
	return &centreCase{subject: Subject{Machine: machine, Centre: ccm.Config{CallTimeout: 10 * time.Second}}}
}

func badOnes(list []bridge.Finding) []bridge.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f bridge.Finding) bool { return f.Level == bridge.FindingOK })
}

func TestCentreHealthy(t *testing.T) {
	t.Parallel()
	for _, live := range []bool{false, true} {
		c := newCentreCase()
		c.options.Live = live
		found := c.look(t)
		for _, f := range badOnes(found) {
			t.Errorf("not well: %+v", f)
		}
		want := []string{"centre.token", "centre.channel", "centre.queue", "centre.clock"}
		if live {
			want = append(want, "centre.connect", "centre.disconnect")
		}
		for _, w := range want {
			if !slices.ContainsFunc(found, func(f bridge.Finding) bool { return f.Check == w }) {
				t.Errorf("nothing was found of %s (live: %t)", w, live)
			}
		}
	}
}

// TestCentreFaults injures one thing at a time.
func TestCentreFaults(t *testing.T) {
	t.Parallel()
	const fault, warning = bridge.FindingFault, bridge.FindingWarning
	fail := func(op string, f ccmsim.Fault) func(*centreCase) {
		return func(c *centreCase) { c.injure = func(s *ccmsim.Sim) { s.Fail(op, 0, f) } }
	}
	for _, c := range []struct {
		name   string
		change func(*centreCase)
		check  string
		level  bridge.FindingLevel
		fix    string // part of it
	}{
		{"a wrong secret", func(c *centreCase) { c.subject.Centre.AppSecret = "x" }, "centre.token", fault, "Compare app_key and app_secret"},
		{"a wrong key", func(c *centreCase) { c.subject.Centre.AppKey = "x"; c.sim.WrongKey403 = true }, "centre.token", fault, "Compare app_key and app_secret"},
		{"this address is not allowed", fail("tokenByAkSk", ccmsim.EdgeRefusal()), "centre.token", fault, "whether this machine's address is allowed"},
		{"no centre at this address", fail("tokenByAkSk", ccmsim.Status(404, "not found", nil)), "centre.token", fault, "without /apiaccess"},
		{"a login page in its place", fail("tokenByAkSk", ccmsim.Garbage()), "centre.token", fault, "a login page or a proxy"},
		{"the centre is ill", fail("tokenByAkSk", ccmsim.Status(503, "", nil)), "centre.token", fault, "Try again"},
		{"calls are limited", fail("tokenByAkSk", ccmsim.Status(429, "", nil)), "centre.token", warning, "Try again in a minute"},
		{"a wrong channel", func(c *centreCase) { c.subject.Config.Routes = []config.Route{{ChannelID: "1", Locale: "en"}} }, "centre.channel", fault, "configuration id of a web channel"},
		{"no tokens for visitors", fail("applyToken", ccmsim.ResultCode("1", "")), "centre.channel", fault, "configuration id of a web channel"},
		{"the queue is not told", fail("queue", ccmsim.ResultCode("1", "")), "centre.queue", warning, "why queryQueueInfo is refused"},
		{"nothing listens", func(c *centreCase) { c.subject.Centre.BaseURL = closedAddress(t) }, "centre.reach", fault, "base_url in [ccm]"},
		{"tokens are nowhere", func(c *centreCase) { c.subject.Centre.AuthURL = closedAddress(t) }, "centre.reach", fault, "auth_url in [ccm]"},
		{"the line breaks", fail("tokenByAkSk", ccmsim.DropBefore()), "centre.reach", fault, "base_url in [ccm]"},
		{"no answer", func(c *centreCase) {
			c.subject.Centre.CallTimeout = 50 * time.Millisecond
			fail("tokenByAkSk", ccmsim.Hang())(c)
		}, "centre.reach", fault, "swallow"},
		{"an untrusted certificate", func(c *centreCase) { c.subject.Centre.BaseURL = strangeAddress(t) }, "centre.reach", fault, "for the centre ca_file"},
		{"a clock that is wrong", func(c *centreCase) {
			c.subject.Machine.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		}, "centre.clock", fault, "timedatectl set-ntp true"},
		{"nobody works now", func(c *centreCase) {
			c.options.Live, c.sim.StraightToAgent, c.sim.OffHours = true, true, true
		}, "centre.connect", warning, "in its hours"},
		{"no conversation opens", func(c *centreCase) {
			c.options.Live = true
			fail("send", ccmsim.ResultCode("13", "none channel config found"))(c)
		}, "centre.connect", fault, "a robot or agents"},
		{"a conversation does not end", func(c *centreCase) {
			c.options.Live = true
			c.injure = func(s *ccmsim.Sim) {
				s.Fail("send", 1, ccmsim.Fault{Skip: 1, Deed: true, Status: 500})
			}
		}, "centre.disconnect", warning, "ask the centre's administrator"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one := newCentreCase()
			c.change(one)
			found := badOnes(one.look(t))
			if len(found) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(found), found)
			}
			if f := found[0]; f.Check != c.check || f.Level != c.level || !strings.Contains(strings.ToLower(f.Fix), strings.ToLower(c.fix)) || f.Part != partCentre {
				t.Errorf("%+v\nwant %s, %s, with %q in its fix", f, c.check, c.level, c.fix)
			}
		})
	}
}

// closedAddress is one at which nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	return s.URL
}

// strangeAddress is one whose certificate nobody vouches for.
func strangeAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of our refusal
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
