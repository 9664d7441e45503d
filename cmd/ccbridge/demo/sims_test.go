package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/service"
)

// startServing runs the simulators alone, with addrs, and gives what they print.
func startServing(t *testing.T, addrs simAddrs) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &bytes.Buffer{}
	printed, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- serveSims(ctx, addrs, io.MultiWriter(out, closer(printed))) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-printed:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return out.String()
}

// closer closes itself at the first write.
type closer chan struct{}

func (c closer) Write(p []byte) (int, error) {
	close(c)
	return len(p), nil
}

// TestDemoSimsGuide saves what is printed, checks it, runs the bridge on it, and does what the comments say.
func TestDemoSimsGuide(t *testing.T) {
	t.Parallel()
	text := startServing(t, anyPorts)
	dir := t.TempDir()
	path := filepath.Join(dir, "demo.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, faults := config.Load(path, os.LookupEnv)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	cfg.Server.Listen = "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, cfg, service.Options{Log: slog.New(slog.DiscardHandler)}) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	commands := examples(text)
	centre := strings.TrimSuffix(commands[len(commands)-2][1], "/faults")
	fetch(t, centre+"/switches", `{"PollWait":"500ms"}`) // the bridge finishes a poll before it stops
	online(t, commands)
	follow(t, commands)
}

var curl = regexp.MustCompile(`^#   curl (?:-d '([^']*)' )?(.*)$`)

// examples are the commands in the guide: body and addresses.
func examples(text string) [][2]string {
	var found [][2]string
	for line := range strings.Lines(text) {
		if m := curl.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			found = append(found, [2]string{m[1], m[2]})
		}
	}
	return found
}

// online waits until the bridge hears both platforms: what was written before its first start is not its affair.
func online(t *testing.T, commands [][2]string) {
	t.Helper()
	if len(commands) < 10 {
		t.Fatalf("only %d examples", len(commands))
	}
	for i, state := range []string{"stats", "gateway"} {
		address := strings.Replace(commands[i][1], "/post", "/"+state, 1)
		poll(t, "the bridge online, by "+address, func() bool {
			var now struct {
				Sockets  int               // Slack
				Sessions []json.RawMessage // Discord
			}
			if err := json.Unmarshal(fetch(t, address, ""), &now); err != nil {
				t.Fatal(err)
			}
			return now.Sockets+len(now.Sessions) > 0
		})
	}
}

// follow carries the examples out, top to bottom, as a reader would who has Slack's and Discord's own threads.
func follow(t *testing.T, commands [][2]string) {
	t.Helper()
	threads, visitor := map[string]string{}, ""
	for i, c := range commands {
		for address := range strings.FieldsSeq(c[1]) {
			address = strings.Trim(address, "'")
			host := strings.SplitN(address, "/", 4)[2]
			fill := strings.NewReplacer("THREAD", threads[host], "VISITOR", visitor)
			if strings.Contains(c[0], "VISITOR") && visitor == "" {
				visitor = waitingVisitor(t, address)
				fill = strings.NewReplacer("VISITOR", visitor)
			}
			answer := fetch(t, fill.Replace(address), fill.Replace(c[0]))
			switch {
			case i < 2: // these begin a thread each
				var made struct{ TS, ID string }
				if err := json.Unmarshal(answer, &made); err != nil {
					t.Fatal(err)
				}
				threads[host] = made.TS + made.ID
			case strings.Contains(address, "violations"):
				var list []string
				if err := json.Unmarshal(answer, &list); err != nil || len(list) > 0 {
					t.Errorf("%s: %s", address, answer)
				}
			}
		}
	}
}

// fetch gets, or posts body to, an address, again and again until it is answered with 200: the bridge may still have
// to make the thread.
func fetch(t *testing.T, address, body string) []byte {
	t.Helper()
	var answer []byte
	poll(t, address+" "+body, func() bool {
		var resp *http.Response
		var err error
		if body == "" {
			resp, err = http.Get(address)
		} else {
			resp, err = http.Post(address, "application/x-www-form-urlencoded", strings.NewReader(body))
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return answer
}

func waitingVisitor(t *testing.T, desk string) string {
	t.Helper()
	var state struct{ Waiting []string }
	poll(t, "a waiting visitor", func() bool {
		if err := json.Unmarshal(fetch(t, strings.Replace(desk, "/desk", "/state", 1), ""), &state); err != nil {
			t.Fatal(err)
		}
		return len(state.Waiting) > 0
	})
	return state.Waiting[0]
}

// poll asks until cond holds: the simulators are spoken to over the network here, as by a reader.
func poll(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(15 * time.Second)
	for !cond() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("did not come about: %s", what)
		}
	}
}

func TestDemoSimsPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := taken.Addr().String()
	for name, addrs := range map[string]simAddrs{
		"Slack":          {busy, anyPorts.Discord, anyPorts.Centre},
		"Discord":        {anyPorts.Slack, busy, anyPorts.Centre},
		"contact centre": {anyPorts.Slack, anyPorts.Discord, busy},
	} {
		err := serveSims(t.Context(), addrs, io.Discard)
		if err == nil || !strings.Contains(err.Error(), "simulated "+name+" on "+busy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
