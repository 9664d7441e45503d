package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"syscall"
	"time"

	"ccbridge/bridge"
)

const (
	readyTime = 5 * time.Second
	maxReady  = 256 << 10 // bytes of an answer
)

// readiness is what /readyz answers.
type readiness struct {
	Status string                 `json:"status"`
	Parts  map[string]bridge.Part `json:"parts"`
}

// server looks at the address of [server]: free, or answered by the bridge that runs on the store.
func (s Subject) server(ctx context.Context, f *bridge.Findings, running bool) {
	const check = "server.listen"
	listen := s.Config.Server.Listen
	host, port, err := net.SplitHostPort(listen)
	if err != nil || port == "0" {
		f.OK(check, "", "Any free port is taken; the log tells which.")
		return
	}
	ready, found := askReady(ctx, host, port)
	switch {
	case found && running && s.ours(ready):
		f.OK(check, "", "The bridge that runs answers at "+listen+".")
		s.state(f, ready)
	case found:
		f.Fault(check, "", "Another ccbridge answers at "+listen+", with another store or configuration.", "This bridge does not start while the other runs.",
			"Set listen in [server] to another port, or stop the other.")
	case running:
		f.Warn(check, "", "A bridge runs on the store, but does not answer at "+listen+".", "Whether it serves customers could not be seen.",
			"It may run with another listen than this file's, or hang: look at its log, and restart it if it is silent.")
	default:
		s.free(ctx, f, listen)
	}
}

// free tries to listen.
func (s Subject) free(ctx context.Context, f *bridge.Findings, listen string) {
	const check, means = "server.listen", "The bridge does not start."
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	switch {
	case err == nil:
		l.Close() //nolint:errcheck // nobody connected
		f.OK(check, "", listen+" is free.")
	case errors.Is(err, syscall.EADDRINUSE):
		f.Fault(check, "", "Another program listens on "+listen+".", means, "Set listen in [server] to another port, or stop that program: ss -ltnp")
	case errors.Is(err, syscall.EACCES):
		f.Fault(check, "", "This user may not listen on "+listen+".", means, "Set listen in [server] to a port above 1023.")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.Fault(check, "", listen+" is no address of this machine.", means, `Set listen in [server] to one of this machine's, such as "127.0.0.1:8080".`)
	default:
		f.Fault(check, "", fmt.Sprintf("Nothing can listen on %s: %s.", listen, err), means, "Set listen in [server] to another address.")
	}
}

// askReady gets /readyz; false if nothing answers there, or not like a bridge.
func askReady(ctx context.Context, host, port string) (readiness, bool) {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return readiness{}, false
	}
	transport := &http.Transport{Proxy: nil} // it is this machine
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return readiness{}, false
	}
	defer resp.Body.Close()
	var ready readiness
	err = json.NewDecoder(io.LimitReader(resp.Body, maxReady)).Decode(&ready)
	return ready, err == nil && len(ready.Parts) > 0
}

// ours reports whether a bridge has the adapters of this configuration.
func (s Subject) ours(ready readiness) bool {
	want := []string{partStore, partCentre}
	for _, a := range s.Config.Adapters {
		want = append(want, a.Name)
	}
	slices.Sort(want)
	return slices.Equal(want, slices.Sorted(maps.Keys(ready.Parts)))
}

// state tells how the parts of the bridge that runs are.
func (s Subject) state(f *bridge.Findings, ready readiness) {
	const check = "server.part"
	for _, name := range slices.Sorted(maps.Keys(ready.Parts)) {
		p := ready.Parts[name]
		since := p.Since.UTC().Format("2006-01-02 15:04:05 MST")
		found := fmt.Sprintf("For the bridge that runs %q is %s since %s.", name, p.State, since)
		if p.Detail != "" {
			found = fmt.Sprintf("For the bridge that runs %q is %s since %s: %s.", name, p.State, since, p.Detail)
		}
		means := "Messages wait, and are delivered when it is up again."
		switch {
		case p.State == "up", name == partCentre && p.State == "starting": // it is asked when somebody writes
			f.OK(check, name, found)
		case p.State == "starting", p.State == "catching-up":
			f.Warn(check, name, found, means, "Wait a little and look again.")
		case p.State == "silent":
			f.Warn(check, name, found, "It is connected, but nothing comes: perhaps what customers write does not arrive.",
				fmt.Sprintf("See what is said below %q; if nothing is, write something in a served channel and see whether the state changes.", name))
		default:
			f.Fault(check, name, found, means, fmt.Sprintf("See what is said below %q, and the bridge's log.", name))
		}
	}
}
