package setup

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ccbridge/cmd/ccbridge/config"
)

func none(string) (string, bool) { return "", false }
func every(name string) (string, bool) {
	return map[string]string{"CCM_APP_KEY": "key", "CCM_APP_SECRET": "s", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "DISCORD_BOT_TOKEN": "d"}[name], true
}

// carry runs init with a command line in a folder of its own, and input if there is somebody at the terminal.
func carry(t *testing.T, dir, args string, input ...string) (out string, err error) {
	t.Helper()
	var o Options
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	o.Define(flags)
	if err := flags.Parse(strings.Fields(args)); err != nil {
		t.Fatal(err)
	}
	if err := o.Check(); err != nil {
		return "", err
	}
	o.Path, o.Env, o.Terminal = filepath.Join(dir, o.Path), none, len(input) > 0
	var b strings.Builder
	err = Run(t.Context(), o, strings.NewReader(strings.Join(input, "\n")+"\n"), &b)
	return strings.ReplaceAll(b.String(), dir+string(filepath.Separator), "DIR/"), err
}

const both = "-base-url https://centre.example -channel-id 202403010000000001 -platforms slack,discord " +
	"-slack-channels C0123ABCD,dm -slack-staff U1,U2 -discord-channels 1100000000000000002,dm -discord-guilds 1100000000000000001 -discord-open message"

// golden compares with a file; CCBRIDGE_GOLDEN=write writes it.
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

// TestFlags: what flags alone make is as it was, private, and without a fault once the secrets are there.
func TestFlags(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"both":    strings.Replace(both, "slack,discord", "both", 1),
		"files":   both + " -secrets file",
		"slack":   "-base-url https://centre.example -channel-id 1 -platforms slack -slack-channels * -slack-api http://127.0.0.1:7801/api/ -listen 127.0.0.1:0",
		"discord": "-base-url https://centre.example -channel-id 1 -locale zh -platforms discord -discord-channels dm -discord-name chat -config chat.toml",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			out, err := carry(t, dir, args)
			if err != nil {
				t.Fatal(err)
			}
			files, err := filepath.Glob(filepath.Join(dir, "*.toml"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			text, err := os.ReadFile(files[0])
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".toml", string(text))
			golden(t, name+".txt", out)
			if info, err := os.Stat(files[0]); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			fill(t, filepath.Join(dir, "secrets"))
			if _, faults := config.Load(files[0], every); len(faults) > 0 {
				t.Error(faults)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// fill writes secrets as the operator does, if there are files for them.
func fill(t *testing.T, dir string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return
	}
	if err != nil || len(files) != 5 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 || info.Size() != 0 {
			t.Errorf("%s: mode %v, %d bytes, %v", f.Name(), info.Mode(), info.Size(), err)
		}
		value, _ := every(strings.ToUpper(f.Name()))
		if err := os.WriteFile(filepath.Join(dir, f.Name()), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDialogue: every question is asked, a wrong answer is asked for again with the fault, Enter takes the standard.
func TestDialogue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out, err := carry(t, dir, "-locale EN -slack-name front",
		"", "centre.example", "http://centre.example", // empty, no address, a warning
		"202403010000000001", "", // the locale of the flag is none
		"slack discord teams", "slack, discord",
		"general", "C0123ABCD dm", "shout", "mesage", "message", "U1,@ada", "U1",
		"community", "1100000000000000002", "dm", "1100000000000000001", "", "role:1100000000000000003")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	golden(t, "dialogue.txt", out)
	text, err := os.ReadFile(filepath.Join(dir, "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "dialogue.toml", string(text))
}

// TestRefused: nothing is written then, and everything that is wrong is said at once.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  string
		input []string
		want  []string
	}{
		"nothing given": {"", nil, []string{"no terminal", "-base-url   The address", "-channel-id ", "-platforms "}},
		"parts missing": {"-platforms slack,discord -base-url https://c.example -slack-channels C1", nil,
			[]string{"-channel-id ", "-discord-channels "}},
		"servers missing": {"-platforms discord -base-url https://c.example -channel-id 1 -discord-channels 1100000000000000002", nil,
			[]string{"-discord-guilds "}},
		"wrong": {"-platforms slack -base-url centre -channel-id 1 -slack-channels general,dm -slack-open never -listen 80 -slack-name a.b", nil,
			[]string{"-base-url: is not the address of a server; write", "-slack-channels: is no Slack channel id", "-slack-open: is none of", "-listen: is not host:port", "-slack-name: is no good name"}},
		"same names": {both + " -slack-name x -discord-name x", nil, []string{"-discord-name: stands twice"}},
		"not served": {"-platforms slack -base-url https://c.example -channel-id 1 -slack-channels C1 -discord-open message", nil,
			[]string{"-discord-open: -platforms does not name discord"}},
		"needless":    {"-platforms discord -base-url https://c.example -channel-id 1 -discord-channels dm -discord-guilds 1", nil, []string{"-discord-guilds: is not needed"}},
		"input ends":  {"", []string{"https://c.example"}, []string{"the input ended", "nothing was written"}},
		"flag's kind": {"-secrets vault", nil, []string{`-secrets is "env" or "file"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := carry(t, dir, c.args, c.input...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
			if files, _ := os.ReadDir(dir); len(files) > 0 {
				t.Errorf("written: %v", files)
			}
		})
	}
}

// TestNeverOverwrites: without -force a file stays as it is, also one that is made while questions are asked.
func TestNeverOverwrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(path, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := carry(t, dir, both); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Error(err)
	}
	if err := write(path, "other", false); err == nil {
		t.Error("replaced a file that came meanwhile")
	}
	if text, _ := os.ReadFile(path); string(text) != "mine" {
		t.Errorf("now it is %q", text)
	}
	if _, err := carry(t, dir, both+" -force"); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := carry(t, dir, "-config nowhere/config.toml "+both); err == nil {
		t.Error("a folder that is not there")
	}
}

// TestAnyAnswer: whatever is answered is judged, and what is taken makes a sound file.
func TestAnyAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := &dialogue{opts: Options{Path: "config.toml", Secrets: inEnv, Env: every}, known: answers{}, out: new(strings.Builder)}
		for _, q := range questions {
			if q.when != nil && !q.when(d.known) {
				continue
			}
			value := rapid.OneOf(rapid.String(), rapid.StringMatching(`["'\\#\[\].=,a-zA-Z0-9:/ -]{0,12}`)).Draw(t, q.name)
			if q.name == "platforms" {
				value = rapid.SampledFrom([]string{"slack", "discord", "discord,slack"}).Draw(t, q.name)
			}
			if d.judge(q, value) != "" {
				d.known[q.name] = q.sample
			}
		}
		text := render(d.known, inEnv)
		if _, faults := config.Parse("config.toml", text, every); config.Broken(faults) {
			t.Fatalf("%v\n%s", faults, text)
		}
	})
}
