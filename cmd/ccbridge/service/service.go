// Package service is the bridge at work: it opens all that `ccbridge run` needs, runs it, and serves its HTTP endpoints.
package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ccbridge/adapters/discord"
	"ccbridge/adapters/slack"
	"ccbridge/bridge"
	"ccbridge/bridge/store"
	"ccbridge/cmd/ccbridge/admin"
	"ccbridge/cmd/ccbridge/build"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/console"
)

// Options are what Run needs beside the configuration.
type Options struct {
	Log    *slog.Logger
	Level  *slog.LevelVar              // that of Log, for a reload to change; nil: it stays
	Env    func(string) (string, bool) // as os.LookupEnv, for a reload
	Reload <-chan os.Signal            // each signal asks for a reload; nil: none
	Hook   func(point string)          // for tests
	Faults *admin.Faults               // what Log warned of so far; nil: nothing yet
}

// RunLogged runs the bridge until ctx ends, and logs to stderr. warnings are those of the configuration; each of the
// signals has it read again.
func RunLogged(ctx context.Context, cfg config.Config, warnings []config.Fault, stderr io.Writer, signals <-chan os.Signal) error {
	var level slog.LevelVar
	level.Set(cfg.Server.LogLevel)
	var faults admin.Faults
	log := slog.New(faults.Tee(NewLog(stderr, &level).Handler()))
	logFaults(log, warnings)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() { quickLook(ctx, cfg, log) })
	defer looking.Wait()
	defer cancel()
	err := Run(ctx, cfg, Options{Log: log, Level: &level, Env: os.LookupEnv, Reload: signals, Faults: &faults})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // asked to stop while it was still starting
		log.Info("stopped")
		return nil
	}
	return err
}

// logFaults logs each fault of a configuration as a line.
func logFaults(log *slog.Logger, faults []config.Fault) {
	for _, f := range faults {
		logOne := log.Error
		if f.Warning {
			logOne = log.Warn
		}
		logOne("configuration", "file", f.File, "line", f.Line, "key", f.Key, "fault", f.Text, "write", f.Write)
	}
}

// gcPercent trades a little CPU for memory: most of what a thousand waiting polls need is kept, not made anew.
const gcPercent = 50

// Run opens what a bridge needs, runs it, and closes all in reverse order.
func Run(ctx context.Context, cfg config.Config, o Options) error {
	if o.Faults == nil {
		o.Faults = &admin.Faults{}
		o.Log = slog.New(o.Faults.Tee(o.Log.Handler()))
	}
	log, hook := o.Log, o.Hook
	reg := prometheus.NewRegistry()
	prometheus.WrapRegistererWithPrefix("ccbridge_", reg).MustRegister(processCollectors()...)
	meter := newMetrics(reg, cfg.Adapters)

	var hooks store.Hooks
	if hook != nil {
		hooks = store.Hooks{BeforeCommit: func() { hook("before commit") }, AfterCommit: func() { hook("after commit") }}
	}
	logStart(log, cfg)
	st, err := store.Open(ctx, cfg.Store.Path, store.Options{Hooks: hooks, Committed: meter.committed})
	if err != nil {
		return fmt.Errorf("open the store %s: %w", cfg.Store.Path, err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			log.Error("close the store", "error", err.Error())
		}
	}()

	client, err := newClient(cfg)
	if err != nil {
		return err
	}
	var outside centre
	outside.use(client)
	defer outside.use(nil)

	built, err := adaptersFor(cfg, nil, nil, log)
	if err != nil {
		return err
	}
	b := bridge.New(bridge.Config{
		Settings: coreSettings(cfg, built), Store: st, Centre: &outside, Meter: meter, Log: log, Hook: hook,
	})
	reloader := newReloader(cfg, o, meter, &outside, b.Reconfigure, built)
	reg.MustRegister(newGauges(b, st.Stats, cfg.Store.Path))

	if socket, err := console.Serve(cfg.Admin.Socket, b.Console(), log); err != nil {
		log.Error("the commands for operators do not reach this bridge", "error", err.Error())
	} else {
		defer socket.Close()
	}
	operator := admin.New(admin.Options{Version: build.Read().String(), Config: reloader.Config, Console: b.Console(), Status: b.Status,
		Limited: b.Limited, Faults: o.Faults, Reload: reloader.Reload, Log: log})
	srv, err := serve(cfg.Server.Listen, handler(b.Status, reg, operator), log)
	if err != nil {
		return err
	}
	defer srv.close(ctx)
	reloading, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { reloader.Run(reloading, o.Reload) })
	defer group.Wait()
	defer stop()
	if err := b.Run(ctx); err != nil {
		return err
	}
	logStopped(ctx, log, st)
	return nil
}

// logStart says what runs, and with what.
func logStart(log *slog.Logger, cfg config.Config) {
	var names []string
	for _, a := range cfg.Adapters {
		names = append(names, a.Name)
	}
	info := build.Read()
	log.Info("starting", "version", info.Version, "commit", info.Commit, "config", cfg.Path, "database", cfg.Store.Path, "schema", store.Schema(),
		"adapters", strings.Join(names, ","), "routes", len(cfg.Routes))
}

// logStopped says what waits for the next start.
func logStopped(ctx context.Context, log *slog.Logger, st *store.Store) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statsTimeout)
	defer cancel()
	s, err := st.Stats(ctx)
	if err != nil {
		log.Error("stopped", "error", err.Error())
		return
	}
	sessions, deliveries := 0, 0
	for _, n := range s.Sessions {
		sessions += n
	}
	for _, n := range s.Deliveries {
		deliveries += n
	}
	log.Info("stopped", "sessions", sessions, "events", s.Queue, "deliveries", deliveries, "in_doubt", s.InDoubt)
}

// newAdapter makes a configured adapter, which opens nothing yet. former is the one in whose place it comes, or nil.
func newAdapter(a config.Adapter, former bridge.Adapter, log *slog.Logger) (bridge.Adapter, error) {
	if a.Slack != nil {
		return slack.New(slack.Config{Name: a.Name, APIURL: a.Slack.APIURL, BotToken: a.Slack.BotToken.Reveal(), AppToken: a.Slack.AppToken.Reveal(),
			Commands: slack.Commands{Agent: a.Slack.Commands.Agent, End: a.Slack.Commands.End}, PostGap: noGap(a.Slack.PostGap), Log: log})
	}
	before, _ := former.(*discord.Adapter)
	return discord.New(discord.Config{Name: a.Name, APIURL: a.Discord.APIURL, BotToken: a.Discord.BotToken.Reveal(), Guilds: a.Discord.Guilds,
		Commands: struct{ Agent, End string }{a.Discord.Commands.Agent, a.Discord.Commands.End}, PostGap: noGap(a.Discord.PostGap), Log: log, Former: before})
}

// noGap is a gap as the adapters take it: for them zero means the default, and less means none.
func noGap(gap time.Duration) time.Duration {
	if gap == 0 {
		return -1
	}
	return gap
}

// coreSettings is the core's part of a configuration, with the adapters that it names.
func coreSettings(cfg config.Config, built map[string]bridge.Adapter) bridge.Settings {
	return bridge.Settings{Adapters: built, Routes: coreRoutes(cfg), Limits: coreLimits(cfg), OnUnknown: cfg.CCM.OnUnknown,
		ShutdownTimeout: cfg.Server.ShutdownTimeout}
}

func coreRoutes(cfg config.Config) []bridge.Route {
	var routes []bridge.Route
	for _, r := range cfg.Routes {
		centre, ledger := r.Masks()
		routes = append(routes, bridge.Route{
			Adapter: r.Adapter, Channels: r.Channels, Open: bridge.Opening(r.Open), Speakers: bridge.Speakers(r.Speakers), Staff: r.Staff,
			Reopen: bridge.Reopening(r.Reopen), Channel: r.ChannelID, Locale: r.Locale, Shadow: r.Shadow,
			MaskCentre: centre, MaskLedger: ledger,
		})
	}
	return routes
}

func coreLimits(cfg config.Config) bridge.Limits {
	l := cfg.Limits
	return bridge.Limits{
		OpenPerCustomer: l.OpenPerCustomer, Idle: l.Idle, CatchUp: l.CatchUp, MaxWait: l.MaxWait, Dormant: l.Dormant,
		CallTimeout: l.CallTimeout, LookGap: l.LookGap, GiveUp: l.GiveUp, Ledger: cfg.Store.Ledger, Held: l.Held, Parts: l.Parts, SilentAfter: l.SilentAfter,
	}
}

// NewLog writes text on a terminal, JSON otherwise.
func NewLog(w io.Writer, level slog.Leveler) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return slog.New(slog.NewTextHandler(w, opts))
		}
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
