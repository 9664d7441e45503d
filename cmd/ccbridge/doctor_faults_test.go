package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ccbridge/adapters/slack/slacksim"
	"ccbridge/bridge"
	"ccbridge/bridge/store"
	"ccbridge/ccm/ccmsim"
	"ccbridge/cmd/ccbridge/doctor"
)

// illness is one thing that is broken, and what the doctor must say about it and about nothing else.
type illness struct {
	name    string
	hurt    func(*patient)
	check   string
	subject string
	level   bridge.FindingLevel
	fix     string   // words of it
	also    []string // other checks that see the same
}

// TestDoctorFaults breaks one thing at a time.
func TestDoctorFaults(t *testing.T) {
	t.Parallel()
	for _, group := range [][]illness{fileIllnesses, storeIllnesses, serverIllnesses, centreIllnesses, platformIllnesses} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				p := newPatient(t, func(w *worldConfig) { w.limits = "call_timeout = \"2s\"\n" })
				c.hurt(p)
				c.judge(t, p)
			})
		}
	}
}

func (c illness) judge(t *testing.T, p *patient) {
	t.Helper()
	r, code := p.report()
	want := 0
	if c.level == bridge.FindingFault {
		want = 1
	}
	if code != want || r.Healthy != (want == 0) {
		t.Errorf("exit code %d, want %d", code, want)
	}
	found := false
	for _, f := range notWell(r) {
		switch {
		case f.Check == c.check && f.Subject == c.subject && f.Level == c.level:
			found = true
			if !strings.Contains(f.Fix, c.fix) || f.Means == "" {
				t.Errorf("means %q, fix %q; want %q in it", f.Means, f.Fix, c.fix)
			}
		case !slices.Contains(c.also, f.Check):
			t.Errorf("red too: %+v", f)
		}
	}
	if !found {
		t.Errorf("no finding %s %q of level %s in %+v", c.check, c.subject, c.level, notWell(r))
	}
}

const (
	fault   = bridge.FindingFault
	warning = bridge.FindingWarning
)

var fileIllnesses = []illness{
	{"no configuration", func(p *patient) { p.args = []string{"-config", p.path("none.toml")} },
		"configuration.key", "(file)", fault, "name another with -config", nil},
	{"no TOML", func(p *patient) { p.configure(`"sqlite:bridge.db"`, "[") }, "configuration.key", "(syntax)", fault, "Write TOML", nil},
	{"an unknown key", func(p *patient) { p.configure("url =", "uri =") }, "configuration.key", "store.uri", fault, "did you mean that", []string{"configuration.key"}},
	{"a variable that is not set", func(p *patient) { p.configure(`"xapp-sim"`, `"env:SLACK_APP_TOKEN"`) },
		"configuration.secret", "adapters.acme.app_token", fault, "into the environment", nil},
	{"a file for a secret that is not there", func(p *patient) { p.configure(`"`+p.centre.AppSecret()+`"`, `"file:secret"`) },
		"configuration.secret", "ccm.app_secret", fault, "that ccbridge may read", nil},
	{"a channel that stands twice", func(p *patient) { p.configure(`"C0HELP", "dm"`, `"C0HELP", "dm", "C0HELP"`) },
		"configuration.key", "routes[0].channels[2]", warning, "it once", nil},
	{"secrets that others can read", func(p *patient) {
		if err := os.Chmod(p.path("config.toml"), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}, "configuration.key", "ccm.app_secret", warning, "chmod 600", []string{"configuration.key"}},
	{"a proxy that is not there", func(p *patient) { p.setenv("HTTPS_PROXY", "http://user:pass@"+p.closedPort()) },
		"machine.proxy", "HTTPS_PROXY", fault, "Correct or unset HTTPS_PROXY", nil},
	{"a proxy that is no address", func(p *patient) { p.setenv("http_proxy", "gopher://proxy") },
		"machine.proxy", "http_proxy", fault, "such as http://proxy.example:3128", nil},
}

var storeIllnesses = []illness{
	{"no folder", func(p *patient) { p.configure("sqlite:bridge.db", "sqlite:data/bridge.db") }, "store.folder", "", fault, "mkdir -p -m 700 ", []string{"configuration.key"}},
	{"a folder of somebody else's", func(p *patient) {
		p.machine.Sync = func(string) (time.Duration, error) {
			return 0, &fs.PathError{Op: "open", Path: "x", Err: fs.ErrPermission}
		}
	}, "store.folder", "", fault, "chown USER ", nil},
	{"a disk that is read-only", func(p *patient) {
		p.machine.Sync = func(string) (time.Duration, error) {
			return 0, &fs.PathError{Op: "open", Path: "x", Err: fs.ErrInvalid}
		}
	}, "store.folder", "", fault, "mounted read-only", nil},
	{"a slow disk", func(p *patient) {
		p.machine.Sync = func(string) (time.Duration, error) { return 200 * time.Millisecond, nil }
	}, "store.folder", "", warning, "faster disk", nil},
	{"a full disk", onDisk(doctor.Disk{Free: 1 << 20}), "store.disk", "", fault, "Make room", nil},
	{"a disk that is getting full", onDisk(doctor.Disk{Free: 200 << 20}), "store.disk", "", warning, "ledger in [store]", nil},
	{"a network drive", onDisk(doctor.Disk{Free: 1 << 40, Kind: "NFS", Network: true}), "store.filesystem", "", warning, "on a local disk", nil},
	{"a disk in memory", onDisk(doctor.Disk{Free: 1 << 40, Kind: "tmpfs", Memory: true}), "store.filesystem", "", warning, "on a disk (url in [store])", nil},
	{"no database", func(p *patient) { p.write("bridge.db", strings.Repeat("not a database ", 100)) }, "store.file", "", fault, "put back a backup", nil},
	{"another program's database", func(p *patient) { p.sql(`CREATE TABLE other (a int)`) }, "store.file", "", fault, "Name another file", nil},
	{"a newer database", func(p *patient) { p.open(); p.sql(`UPDATE setting SET value = '99' WHERE name = 'schema'`) },
		"store.schema", "", fault, "Install the newer ccbridge again", nil},
	{"an older database", func(p *patient) { p.open(); p.sql(`UPDATE setting SET value = '1' WHERE name = 'schema'`) },
		"store.schema", "", warning, "Back up the database", nil},
	{"a database that others can read", func(p *patient) {
		p.open()
		if err := os.Chmod(p.path("bridge.db"), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}, "store.file", "", warning, "chmod 600", nil},
	{"a log that has grown", func(p *patient) {
		p.open()
		p.write("bridge.db-wal", "")
		if err := os.Truncate(p.path("bridge.db-wal"), 300<<20); err != nil { // it takes no room
			p.t.Fatal(err)
		}
	}, "store.wal", "", warning, "a backup perhaps", nil},
}

var serverIllnesses = []illness{
	{"a port that is taken", func(p *patient) { p.listen(p.occupied()) }, "server.listen", "", fault, "stop that program", nil},
	{"an address of another machine", func(p *patient) { p.listen("192.0.2.1:8080") }, "server.listen", "", fault, "one of this machine's", nil},
	{"a bridge that does not answer", func(p *patient) {
		p.start()
		p.logged("part=guild state=up")
		p.listen(p.closedPort())
	}, "server.listen", "", warning, "restart it if it is silent", nil},
	{"a part that is down", func(p *patient) {
		p.listen(p.pretend(`{"status":"ok","parts":{"acme":{"state":"down","since":"2026-01-02T03:04:05Z","detail":"no hello"},"guild":{"state":"up"},"store":{"state":"up"},"centre":{"state":"up"}}}`))
		p.hold()
	}, "server.part", "acme", fault, `below "acme"`, nil},
	{"a part that is silent", func(p *patient) {
		p.listen(p.pretend(`{"status":"ok","parts":{"acme":{"state":"silent"},"guild":{"state":"up"},"store":{"state":"up"},"centre":{"state":"starting"}}}`))
		p.hold()
	}, "server.part", "acme", warning, "write something", nil},
}

var centreIllnesses = []illness{
	{"a centre that is off", func(p *patient) { p.centre.Close() }, "centre.reach", "refused", fault, "base_url in [ccm] and its port", nil},
	{"a centre that says nothing", func(p *patient) {
		p.configure(`call_timeout = "2s"`, `call_timeout = "300ms"`)
		p.centre.Fail("*", 0, ccmsim.Hang())
	}, "centre.reach", "timeout", fault, "firewall may swallow", nil},
	{"a certificate nobody knows", func(p *patient) {
		address, _ := p.secure(365 * 24 * time.Hour)
		p.configure(p.centre.URL(), address)
	}, "centre.reach", "tls", fault, "ca_file", nil},
	{"a certificate that ends soon", func(p *patient) {
		address, ca := p.secure(5 * 24 * time.Hour)
		p.write("ca.pem", ca)
		p.configure(p.centre.URL()+`"`, address+"\"\nca_file = \"ca.pem\"")
	}, "centre.certificate", "", warning, "Tell the centre's administrator", []string{"centre.ca_file"}},
	{"the wrong secret", func(p *patient) { p.configure(`"`+p.centre.AppSecret()+`"`, `"other"`) }, "centre.token", "", fault, "Compare app_key and app_secret", nil},
	{"an address that is not let in", func(p *patient) { p.centre.Fail("tokenByAkSk", 0, ccmsim.EdgeRefusal()) },
		"centre.token", "", fault, "this machine's address is allowed", nil},
	{"the wrong path", func(p *patient) { p.configure(p.centre.URL(), p.centre.URL()+"/apiaccess") }, "centre.token", "", fault, "without /apiaccess", nil},
	{"a login page", func(p *patient) { p.centre.Fail("tokenByAkSk", 0, ccmsim.Status(200, "<html>log in</html>", nil)) },
		"centre.token", "", fault, "login page", nil},
	{"a centre that is ill", func(p *patient) { p.centre.Fail("tokenByAkSk", 0, ccmsim.Status(503, "", nil)) }, "centre.token", "answer", fault, "Try again", nil},
	{"a centre that limits", func(p *patient) { p.centre.Fail("tokenByAkSk", 0, ccmsim.Status(429, "", nil)) }, "centre.token", "", warning, "in a minute", nil},
	{"the wrong channel", func(p *patient) { p.configure(p.centre.ChannelID(), "12345") }, "centre.channel", "12345", fault, "configuration id of a web channel", nil},
	{"no word about the queue", func(p *patient) { p.centre.Fail("queue", 0, ccmsim.ResultCode("160001", "platform")) },
		"centre.queue", "202500000000000001", warning, "queryQueueInfo", nil},
	{"a clock that is wrong", func(p *patient) {
		p.machine.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	}, "centre.clock", "", fault, "timedatectl set-ntp true", nil},
	{"no conversation is opened", func(p *patient) {
		p.args = []string{"-live"}
		p.centre.Fail("send:CONNECT", 0, ccmsim.ResultCode("13", "refused"))
	}, "centre.connect", "202500000000000001", fault, "has a robot or agents", nil},
	{"nobody works now", func(p *patient) {
		p.args = []string{"-live"}
		p.centre.Change(func(s *ccmsim.Switches) { s.StraightToAgent, s.OffHours = true, true })
	}, "centre.connect", "202500000000000001", warning, "in its hours", nil},
	{"a conversation that cannot be ended", func(p *patient) {
		p.args = []string{"-live"}
		p.centre.Fail("send:DISCONNECT", 0, ccmsim.Status(500, "", nil))
	}, "centre.disconnect", "202500000000000001", warning, "Ask the centre's administrator", nil},
}

var platformIllnesses = []illness{
	{"Slack is off", func(p *patient) { p.slack.Close() }, "slack.reach", "refused", fault, "api_url of [adapters.acme]", nil},
	{"a bot token taken back", func(p *patient) { p.slack.Revoke("xoxb-sim", "token_revoked") }, "slack.token.bot", "", fault, "Install to Workspace", nil},
	{"an app token nobody knows", func(p *patient) { p.configure("xapp-sim", "xapp-other") }, "slack.token.app", "", fault, "App-Level Tokens", nil},
	{"a scope that is missing", func(p *patient) {
		p.slack.SetScopes("chat:write", "chat:write.customize", "commands", "users:read", "channels:history", "channels:read", "groups:history", "groups:read", "im:read")
	}, "slack.scope", "im:history", fault, "add im:history", []string{"slack.direct"}},
	{"a bot that is not in the channel", func(p *patient) {
		if err := p.slack.KickBot(helpChannel); err != nil {
			p.t.Fatal(err)
		}
	}, "slack.channel", helpChannel, fault, "/invite @bridge", []string{"slack.history"}},
	{"a line that is cut at once", func(p *patient) {
		p.args = []string{"-live"}
		if err := p.slack.SetDoor(slacksim.DoorClose); err != nil {
			p.t.Fatal(err)
		}
	}, "slack.line", "", fault, "no WebSocket", nil},
	{"a permission that is missing", func(p *patient) {
		if err := p.discord.SetPermissions(guildChannel, 1<<10|1<<11|1<<16|1<<38); err != nil { // all but Create Public Threads
			p.t.Fatal(err)
		}
	}, "discord.permission.make", guildChannel, fault, "Create Public Threads", nil},
	{"Discord is off", func(p *patient) { p.discord.Close() }, "discord.reach", "refused", fault, "api_url of [adapters.guild]", nil},
	{"a Discord token nobody knows", func(p *patient) { p.configure("sim-bot-token", "other") }, "discord.token", "", fault, "Reset Token", nil},
}

// setenv sets a variable of the doctor's environment.
func (p *patient) setenv(name, value string) {
	p.machine.Env = func(asked string) (string, bool) {
		if asked != name {
			return "", false
		}
		return value, true
	}
}

// onDisk says where the store lies.
func onDisk(d doctor.Disk) func(*patient) {
	return func(p *patient) {
		p.machine.Disk = func(string) (doctor.Disk, error) { return d, nil }
	}
}

func (p *patient) listen(address string) { p.configure(`"127.0.0.1:0"`, `"`+address+`"`) }

// occupied is an address on which a program listens that says nothing like a bridge.
func (p *patient) occupied() string {
	srv := httptest.NewServer(http.NotFoundHandler())
	p.t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// closedPort is an address on which nothing answers: it is taken, but nobody listens.
func (p *patient) closedPort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// pretend answers /readyz as a running bridge does.
func (p *patient) pretend(answer string) string {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) }))
	p.t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// open makes the store and closes it.
func (p *patient) open() {
	p.t.Helper()
	s, err := store.Open(p.ctx, p.path("bridge.db"), store.Options{})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// hold has the store open, as a bridge that runs.
func (p *patient) hold() {
	p.t.Helper()
	s, err := store.Open(p.ctx, p.path("bridge.db"), store.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			p.t.Error(err)
		}
	})
}

// sql changes the database by hand.
func (p *patient) sql(statement string) {
	p.t.Helper()
	db, err := sql.Open("sqlite", "file:"+p.path("bridge.db"))
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := db.ExecContext(p.ctx, statement); err != nil {
		p.t.Error(err)
	}
	if err := db.Close(); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chmod(p.path("bridge.db"), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// secure puts the centre behind TLS, with a certificate of its own that lives so long, and gives address and certificate.
func (p *patient) secure(life time.Duration) (address, certificate string) {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "centre"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(life), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		p.t.Fatal(err)
	}
	target, err := url.Parse(p.centre.URL())
	if err != nil {
		p.t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	p.t.Cleanup(srv.Close)
	return srv.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}
