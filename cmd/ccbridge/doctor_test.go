package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/doctor"
)

// patient is a world that a doctor looks at. All is well with it until a test breaks something.
type patient struct {
	*world
	machine doctor.Machine
	args    []string
}

func newPatient(t *testing.T, opts ...option) *patient {
	t.Helper()
	p := &patient{world: newWorld(t, opts...)}
	real := doctor.ThisMachine()
	p.machine = doctor.Machine{
		Now:  time.Now,
		Env:  func(string) (string, bool) { return "", false },
		Disk: func(string) (doctor.Disk, error) { return doctor.Disk{Free: 10 << 30}, nil },
		Sync: func(folder string) (time.Duration, error) { _, err := real.Sync(folder); return time.Millisecond, err },
	}
	p.write("config.toml", p.config)
	p.commands()
	return p
}

// commands registers what a bridge registers at its start.
func (p *patient) commands() {
	p.t.Helper()
	const list = `[{"name":"agent","description":"Talk to a human","type":1},{"name":"end","description":"End the conversation","type":1}]`
	req, err := http.NewRequestWithContext(p.ctx, http.MethodPut, p.discord.URL()+"/api/v10/applications/1400000000000000001/guilds/"+guildID+"/commands", strings.NewReader(list))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bot sim-bot-token"}, "Content-Type": {"application/json"}, "User-Agent": {"DiscordBot (test, 1)"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatal(resp.Status)
	}
}

func (p *patient) path(name string) string { return filepath.Join(p.dir, name) }

func (p *patient) write(name, text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// configure replaces text in the configuration, which must be there.
func (p *patient) configure(oldNew ...string) {
	p.t.Helper()
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(p.config, oldNew[i]) {
			p.t.Fatalf("no %q in the configuration", oldNew[i])
		}
		p.config = strings.Replace(p.config, oldNew[i], oldNew[i+1], 1)
	}
	p.write("config.toml", p.config)
}

// visit is `ccbridge doctor`: what it prints, and its exit code.
func (p *patient) visit(args ...string) (stdout string, code int) {
	p.t.Helper()
	var out, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
	defer cancel()
	args = append(append([]string{"-config", p.path("config.toml")}, p.args...), args...)
	err := runDoctor(ctx, args, p.machine, &out, &stderr)
	for _, secret := range []string{"xoxb-sim", "xapp-sim", "sim-bot-token", p.centre.AppSecret()} {
		if strings.Contains(out.String()+stderr.String(), secret) {
			p.t.Errorf("the secret %q was printed", secret)
		}
	}
	return out.String(), exitCode(err, &stderr)
}

// report is `ccbridge doctor -json`.
func (p *patient) report() (doctor.Report, int) {
	p.t.Helper()
	out, code := p.visit("-json")
	var r doctor.Report
	dec := json.NewDecoder(strings.NewReader(out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		p.t.Fatalf("%v in %s", err, out)
	}
	return r, code
}

// steady makes what is printed the same on every machine.
func (p *patient) steady(out string) string {
	host := func(url string) string { return strings.Split(url, "/")[2] }
	return strings.NewReplacer(p.dir, "DIR", host(p.centre.URL()), "CENTRE", host(p.slack.URL()), "SLACK", host(p.discord.URL()), "DISCORD").Replace(out)
}

// golden compares with a file of testdata; CCBRIDGE_GOLDEN=write writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if os.Getenv("CCBRIDGE_GOLDEN") == "write" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; there is now:\n%s", name, got)
	}
}

// TestDoctorHealthy: all is well, nothing is changed outside, and no rule is broken.
func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	out, code := p.visit()
	golden(t, "doctor_healthy.txt", p.steady(out))
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	if r, code := p.report(); code != 0 || !r.Healthy || r.Version != 1 || r.OK != len(r.Findings) {
		t.Errorf("exit code %d, report %+v", code, r)
	}
	if n := p.centre.Calls()["send:CONNECT"]; n > 0 {
		t.Errorf("%d conversations were opened", n)
	}
	if files, _ := filepath.Glob(p.path("*")); len(files) != 1 {
		t.Errorf("files were left: %v", files)
	}
	p.clean()
}

// TestDoctorLive: a conversation is opened and ended, and each line once; beside a bridge that runs no line is touched.
func TestDoctorLive(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	out, code := p.visit("-live")
	for _, want := range []string{"✓ A conversation was opened.", "✓ It was ended.", "✓ Its line was opened, and closed again."} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if n := p.slack.Stats().SocketsEver; code != 0 || n != 1 {
		t.Errorf("exit code %d, %d sockets", code, n)
	}
	p.start()
	p.logged("part=acme state=up")
	p.logged("part=guild state=up")
	before := p.slack.Stats().SocketsEver
	out, code = p.visit("-live")
	if code != 0 || strings.Count(out, "Its line was not opened: a bridge runs") != 2 || !strings.Contains(out, "✓ A bridge is running on it.") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if after := p.slack.Stats().SocketsEver; after > max(before, 3) { // the bridge's second one may have come
		t.Errorf("%d sockets after, %d before", after, before)
	}
	p.clean()
}

// TestDoctorSeesTheBridge: what a running bridge says of itself is told; one that is not ours is a fault.
func TestDoctorSeesTheBridge(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	p.start()
	p.logged("part=acme state=up")
	p.logged("part=guild state=up")
	p.logged("msg=listening addr=")
	_, rest, _ := strings.Cut(p.log.String(), "msg=listening addr=")
	p.configure(`"127.0.0.1:0"`, `"`+strings.Fields(rest)[0]+`"`)
	r, code := p.report()
	if code != 0 {
		t.Errorf("exit code %d: %+v", code, notWell(r))
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		if f.Check == "server.part" {
			seen[f.Subject] = true
		}
	}
	for _, part := range []string{"acme", "guild", "store", "centre"} {
		if !seen[part] {
			t.Errorf("nothing about %s of the running bridge", part)
		}
	}
	// The same address in a configuration with another store: there is another bridge.
	p.configure("sqlite:bridge.db", "sqlite:other.db")
	r, code = p.report()
	if bad := notWell(r); code != 1 || len(bad) != 1 || bad[0].Check != "server.listen" || !strings.Contains(bad[0].Found, "Another ccbridge answers") {
		t.Errorf("exit code %d: %+v", code, bad)
	}
	p.clean()
}

// TestDoctorInterrupted: after Ctrl-C nothing is claimed.
func TestDoctorInterrupted(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	ctx, cancel := context.WithCancel(p.ctx)
	cancel()
	var out, stderr bytes.Buffer
	err := runDoctor(ctx, []string{"-config", p.path("config.toml")}, p.machine, &out, &stderr)
	if code := exitCode(err, &stderr); code != 1 || out.Len() > 0 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d, %q, %q", code, out.String(), stderr.String())
	}
}

// TestDoctorOnly: -adapter leaves the others out, and must name one.
func TestDoctorOnly(t *testing.T) {
	t.Parallel()
	p := newPatient(t)
	out, code := p.visit("-adapter", "acme")
	if code != 0 || strings.Contains(out, "\nguild\n") || !strings.Contains(out, "\nacme\n") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if calls := len(p.discord.Calls()); calls > 1 {
		t.Errorf("%d calls to Discord", calls)
	}
	if _, code := p.visit("-adapter", "other"); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func notWell(r doctor.Report) (list []bridge.Finding) {
	for _, f := range r.Findings {
		if f.Level != bridge.FindingOK {
			list = append(list, f)
		}
	}
	return list
}
