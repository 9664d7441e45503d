package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
)

// healthTimeout bounds what `ccbridge health` may take.
const healthTimeout = 5 * time.Second

// runHealth asks a running bridge how it is, for containers and scripts that have neither a shell nor curl. That it does
// not live, or with -ready is not ready, is an error.
func runHealth(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("health", flag.ContinueOnError)
	path := flags.String("config", "config.toml", "the configuration `file` that says where the bridge listens")
	addr := flags.String("addr", "", "where it listens, `host:port`, instead of -config")
	ready := flags.Bool("ready", false, "whether it is ready, and which parts are not up; else whether it lives")
	if err := parse(flags, args, stdout, stderr); err != nil {
		return err
	}
	target, err := healthTarget(*path, *addr, stderr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if !*ready {
		return ask(ctx, "http://"+target+"/healthz", io.Discard)
	}
	return askReady(ctx, "http://"+target+"/readyz", stdout)
}

// healthTarget is the address to ask. Faults of the configuration elsewhere are none of its business.
func healthTarget(path, addr string, stderr io.Writer) (string, error) {
	if addr == "" {
		cfg, faults := config.Load(path, os.LookupEnv)
		if addr = cfg.Server.Listen; addr == "" {
			printFaults(stderr, faults)
			return "", faultyConfig(path, faults)
		}
	}
	host, port, err := net.SplitHostPort(addr)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is no host:port", addr)
	case port == "0":
		return "", errors.New("the bridge listens on a port that it chooses itself: give -addr with the one it logged")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

// ask fails unless the answer is 200; its body goes to out.
func ask(ctx context.Context, address string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("ask the bridge: %w", err)
	}
	client := http.Client{Transport: &http.Transport{}} // no proxy: it is this machine
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the bridge: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(out, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return fmt.Errorf("ask the bridge: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the bridge answers %s", resp.Status)
	}
	return nil
}

// askReady prints the parts that are not up, and fails if the bridge is not ready.
func askReady(ctx context.Context, address string, stdout io.Writer) error {
	var body bytes.Buffer
	unready := ask(ctx, address, &body)
	if unready != nil && body.Len() == 0 {
		return unready
	}
	var answer struct {
		Parts map[string]bridge.Part `json:"parts"`
	}
	if err := json.Unmarshal(body.Bytes(), &answer); err != nil {
		return errors.Join(unready, fmt.Errorf("read the bridge's answer: %w", err))
	}
	for _, name := range slices.Sorted(maps.Keys(answer.Parts)) {
		if p := answer.Parts[name]; p.State != "up" {
			fmt.Fprintf(stdout, "%s is %s since %s: %s\n", name, p.State, p.Since.UTC().Format(time.RFC3339), p.Detail)
		}
	}
	return unready
}
