package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"ccbridge/bridge"
	"ccbridge/ccm"
	"ccbridge/cmd/ccbridge/config"
)

// Reloader changes the configuration of a running bridge to what its file says now.
type Reloader struct {
	env      func(string) (string, bool) // as os.LookupEnv
	log      *slog.Logger
	level    *slog.LevelVar // nil: the level of the log stays
	meter    *metrics
	centre   *centre
	use      func(context.Context, bridge.Settings) error // Reconfigure of the bridge
	requests chan request

	inForce  atomic.Pointer[config.Config]
	adapters map[string]bridge.Adapter // at work; of Run's own goroutine
}

func newReloader(cfg config.Config, o Options, meter *metrics, c *centre, use func(context.Context, bridge.Settings) error, adapters map[string]bridge.Adapter) *Reloader {
	r := &Reloader{env: o.Env, log: o.Log, level: o.Level, meter: meter, centre: c, use: use, requests: make(chan request), adapters: adapters}
	r.inForce.Store(&cfg)
	return r
}

// request asks Run for a reload.
type request struct{ answer chan answer }

type answer struct {
	said []string
	err  error
}

// errRefused: the file has faults.
var errRefused = errors.New("the configuration is refused and nothing is changed")

// Run reloads when it is asked to, by signal or by Reload, one reload at a time, until ctx ends.
func (r *Reloader) Run(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			r.reload(ctx) //nolint:errcheck // it is in the log
		case q := <-r.requests:
			said, err := r.reload(ctx)
			q.answer <- answer{said, err}
		}
	}
}

// Reload has the file read and its configuration put in force, or refused as a whole. What it says is for the operator,
// one line each and without secrets: the faults of a file that is refused, else what was changed, what needs a restart, and
// the warnings.
// If ctx ends first the reload goes on, and the log tells what became of it.
func (r *Reloader) Reload(ctx context.Context) (said []string, err error) {
	q := request{make(chan answer, 1)}
	select {
	case r.requests <- q:
	case <-ctx.Done():
		return nil, fmt.Errorf("reload the configuration: %w", ctx.Err())
	}
	select {
	case a := <-q.answer:
		return a.said, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("reload the configuration: %w", ctx.Err())
	}
}

// Config is what is in force.
func (r *Reloader) Config() config.Config { return *r.inForce.Load() }

func (r *Reloader) reload(ctx context.Context) (said []string, err error) {
	cfg, faults := config.Load(r.Config().Path, r.env)
	var found []string
	for _, f := range faults {
		found = append(found, f.String())
	}
	refused := config.Broken(faults)
	logFaults(r.log, faults)
	if refused {
		r.log.Error(errRefused.Error(), "faults", len(faults))
		return found, errRefused
	}
	var changed, restart []string
	for _, key := range config.Changes(r.Config(), cfg) {
		if needsRestart(key) {
			restart = append(restart, key)
		} else {
			changed = append(changed, key)
		}
	}
	if err := r.apply(ctx, cfg, changed); err != nil {
		err = fmt.Errorf("%w: %w", errRefused, err)
		r.log.Error(err.Error())
		return found, err
	}
	if len(changed) == 0 {
		said = append(said, "nothing is changed")
	} else {
		said = append(said, "changed: "+strings.Join(changed, ", "))
	}
	r.log.Info("configuration reloaded", "changed", strings.Join(changed, ", "))
	for _, key := range restart {
		said = append(said, key+" needs a restart: until then what it was stays in force")
		r.log.Warn("a changed setting needs a restart", "key", key)
	}
	return append(said, found...), nil
}

// apply puts the changed keys of cfg in force: all of them, or with an error none.
func (r *Reloader) apply(ctx context.Context, cfg config.Config, changed []string) error {
	adapters, err := adaptersFor(cfg, r.adapters, changed, r.log)
	if err != nil {
		return err
	}
	var client *ccm.Client
	if slices.ContainsFunc(changed, ofClient) {
		if client, err = newClient(cfg); err != nil {
			return err
		}
	}
	r.meter.begin(cfg.Adapters)
	if len(changed) > 0 {
		if err := r.use(ctx, coreSettings(cfg, adapters)); err != nil {
			return err
		}
	}
	if client != nil {
		r.centre.use(client)
	}
	if r.level != nil {
		r.level.Set(cfg.Server.LogLevel)
	}
	r.adapters = adapters
	kept := keep(r.Config(), cfg)
	r.inForce.Store(&kept)
	return nil
}

// needsRestart reports whether a key cannot change in a running program.
func needsRestart(key string) bool {
	return slices.Contains([]string{"server.listen", "store.url", "admin.socket", "ccm.receive"}, key)
}

// keep is cfg with what is in force of the keys that need a restart.
func keep(old, cfg config.Config) config.Config {
	cfg.Server.Listen, cfg.Store.URL, cfg.Store.Path = old.Server.Listen, old.Store.URL, old.Store.Path
	cfg.Admin.Socket, cfg.CCM.Receive = old.Admin.Socket, old.CCM.Receive
	cfg.Settings = slices.Clone(cfg.Settings)
	for i, s := range cfg.Settings {
		if !needsRestart(s.Key) {
			continue
		}
		if n := slices.IndexFunc(old.Settings, func(o config.Setting) bool { return o.Key == s.Key }); n >= 0 {
			cfg.Settings[i] = old.Settings[n]
		}
	}
	return cfg
}

// ofClient reports whether a key is the centre's client's: another value makes another client.
func ofClient(key string) bool {
	return slices.Contains([]string{"ccm.base_url", "ccm.auth_url", "ccm.app_key", "ccm.app_secret", "ccm.ca_file", "ccm.tenant_space",
		"limits.call_timeout"}, key)
}

// adaptersFor gives the adapters of cfg: those at work, where no key of theirs is changed, and else new ones, which open
// nothing yet.
func adaptersFor(cfg config.Config, atWork map[string]bridge.Adapter, changed []string, log *slog.Logger) (map[string]bridge.Adapter, error) {
	adapters := map[string]bridge.Adapter{}
	for _, a := range cfg.Adapters {
		own := "adapters." + a.Name
		same := !slices.ContainsFunc(changed, func(key string) bool { return key == own || strings.HasPrefix(key, own+".") })
		old := atWork[a.Name]
		if old != nil && same {
			adapters[a.Name] = old
			continue
		}
		one, err := newAdapter(a, old, log)
		if err != nil {
			return nil, fmt.Errorf("set up adapter %s: %w", a.Name, err)
		}
		adapters[a.Name] = one
	}
	return adapters, nil
}
