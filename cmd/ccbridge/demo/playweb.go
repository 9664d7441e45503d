package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ccbridge/adapters/discord/discordsim"
	"ccbridge/ccm/ccmsim"
)

const webGreeting = `Open %s in a browser: a customer in Slack, one in Discord, an agent at her desk, and the bridge between them.
Everything outside is simulated, nothing leaves this machine, nothing is kept. Ctrl-C ends it.
`

// playWeb runs the demo with a page until ctx ends: simulators, the bridge as a process of its own, and the page. log
// gets the bridge's log too.
func playWeb(ctx context.Context, addr string, log, stdout io.Writer) error {
	return playWebWith(ctx, addr, log, stdout, func(*show) {})
}

// playWebWith also gives what the page stands for, before anything runs: to tests, which look into the simulators.
func playWebWith(ctx context.Context, addr string, log, stdout io.Writer, look func(*show)) error {
	listener, err := listenLoopback(addr)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server closes it before
	dir, err := os.MkdirTemp("", "ccbridge-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer os.RemoveAll(dir)
	s, err := startSims(anyPorts, true)
	if err != nil {
		return err
	}
	defer s.close()
	s.discord.AddUser(discordsim.User{ID: webDiscordUser, Name: "ben", GlobalName: webDiscordName})
	s.centre.Change(func(sw *ccmsim.Switches) { sw.SessionTimeout, sw.IdleTimeout = patientCentre, patientCentre })
	show, err := newShow(dir, s, log)
	if err != nil {
		return err
	}
	look(show)
	return show.serve(ctx, listener, stdout)
}

// patientCentre is how long the centre bears with a visitor who plays with the switches.
const patientCentre = time.Hour

// newShow prepares the bridge's process; nothing runs yet.
func newShow(dir string, s *sims, log io.Writer) (*show, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it as the bridge: %w", err)
	}
	file := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(file, []byte(demoConfig(s, webSettings)), 0o600); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	show := &show{sims: s, strip: newStrip(), injuries: &injuries{sims: s}}
	hear := func(line []byte) {
		show.strip.hear(line)
		log.Write(line) //nolint:errcheck // it is for whoever looks
	}
	show.process = newProcess([]string{program, "run", "-config", file}, hear, show.strip.tell)
	return show, nil
}

// serve runs bridge and page until ctx ends, and waits for both.
func (s *show) serve(ctx context.Context, listener net.Listener, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { s.process.run(ctx) })
	// What is written before the bridge has ever been there is not its business: nobody shall get that far.
	for _, c := range []chat{&slackChat{s.slack}, &discordChat{s.discord}} {
		if err := waitReady(ctx, c); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	server := &http.Server{
		Handler: s.handler(ctx, listener.Addr()), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	running.Go(func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(ending) != nil {
			server.Close() //nolint:errcheck // nothing is left to do
		}
	})
	fmt.Fprintf(stdout, webGreeting, "http://"+listener.Addr().String())
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}
