package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"ccbridge/adapters/reach"
	"ccbridge/bridge"
)

// Machine is what is asked of the machine that the bridge runs on.
type Machine struct {
	Now  func() time.Time
	Env  func(string) (string, bool) // as os.LookupEnv
	Disk func(folder string) (Disk, error)
	Sync func(folder string) (time.Duration, error) // how long bringing one page to the disk takes there
	// Rest is how long to wait after a line was opened: Discord lets a bot connect once in 5 s, and a bridge may be
	// started next.
	Rest time.Duration
}

// Disk is where a folder lies.
type Disk struct {
	Free    uint64 // bytes that may still be written
	Kind    string // of the file system, where it is a known one
	Network bool   // it is on another machine
	Memory  bool   // it is gone when the machine stops
}

// ThisMachine asks the system.
func ThisMachine() Machine {
	return Machine{Now: time.Now, Env: os.LookupEnv, Disk: diskOf, Sync: syncTime, Rest: 5 * time.Second}
}

// syncs is how often writing is measured; the one in the middle counts.
const syncs = 5

// syncTime writes a page to a new file as often as it takes, and removes it.
func syncTime(folder string) (_ time.Duration, err error) {
	f, err := os.CreateTemp(folder, ".ccbridge-doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	var took []time.Duration
	for range syncs {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[syncs/2], nil
}

// dialTime bounds a connection that is only tried.
const dialTime = 5 * time.Second

// machine looks at the proxies of the environment: all calls to the outside go through them.
func (s Subject) machine(ctx context.Context, f *bridge.Findings) {
	const check = "machine.proxy"
	seen := map[string]bool{}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value, _ := s.Machine.Env(name)
		if value == "" || seen[value] {
			continue
		}
		seen[value] = true
		const means = "Calls to the centre and the platforms go through it: nothing is carried."
		address, err := proxyAddress(value)
		if err != nil {
			f.Fault(check, name, name+" is not the address of a proxy.", means, "Set "+name+" to an address such as http://proxy.example:3128, or unset it.")
			continue
		}
		dialer := net.Dialer{Timeout: dialTime}
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			f.Fault(check, name, fmt.Sprintf("The proxy of %s, %s, cannot be reached (%s).", name, address, reach.CauseOf(err)), means,
				"Correct or unset "+name+", or let this machine connect to the proxy.")
			continue
		}
		conn.Close() //nolint:errcheck // nothing was sent
		f.OK(check, name, fmt.Sprintf("The proxy of %s, %s, can be reached.", name, address))
	}
	if len(seen) == 0 {
		f.OK(check, "", "No proxy is set: calls go out directly.")
	}
}

// proxyAddress is host and port of a proxy, as net/http understands the variable.
func proxyAddress(value string) (string, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" {
		return "", errors.New("no address")
	}
	port := map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	if port == "" {
		return "", errors.New("no proxy's scheme")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// folderOf is where the store's file lies, or will lie.
func folderOf(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	if linked, err := filepath.EvalSymlinks(path); err == nil {
		path = linked
	}
	return filepath.Dir(path)
}
