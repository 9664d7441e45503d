// Package doctor looks at everything that a bridge needs, here and outside: what is the case, what that means for
// customers, and what to do. It changes nothing outside, but for what -live asks for.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ccbridge/bridge"
	"ccbridge/bridge/store"
	"ccbridge/ccm"
	"ccbridge/cmd/ccbridge/config"
)

// Subject is what is examined.
type Subject struct {
	Config  config.Config
	Faults  []config.Fault // of the configuration, warnings too
	Centre  ccm.Config
	Adapter func(config.Adapter) (bridge.Adapter, error)
	Routes  func(adapter string) []bridge.Route // in the order of the file
	Machine Machine
}

// Options say how it is examined.
type Options struct {
	Live  bool     // also do what leaves traces: a session at the centre, a line to each platform
	Quick bool     // only what takes a few calls; for a bridge that starts, which holds store and port itself
	Only  []string // adapters to look at; none: all
}

// Deadline bounds one examination. What is not finished then is a fault.
const Deadline = 90 * time.Second

// The parts beside the adapters, which have their configured names.
const (
	partConfiguration = "configuration"
	partMachine       = "machine"
	partStore         = "store"
	partServer        = "server"
	partCentre        = "centre"
)

// part is one group of findings.
type part struct {
	name    string
	examine func(context.Context, *bridge.Findings)
}

// Examine looks at all parts at once, and tells each, in their order, as soon as it and those before it are done. It
// returns all findings. If ctx ends, what was not finished is missing.
func Examine(ctx context.Context, s Subject, o Options, each func(part string, list []bridge.Finding)) []bridge.Finding {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	parts := s.parts(ctx, o)
	done := make([]chan []bridge.Finding, len(parts))
	for i, p := range parts {
		done[i] = make(chan []bridge.Finding, 1)
		go func() { done[i] <- p.run(ctx) }()
	}
	var all []bridge.Finding
	for i, p := range parts {
		list := <-done[i]
		if whole.Err() != nil {
			continue // the others are waited for: they end with ctx
		}
		each(p.name, list)
		all = append(all, list...)
	}
	return all
}

// run examines one part. What ctx cut short says nothing about the outside, but for the one finding that it was.
func (p part) run(ctx context.Context) []bridge.Finding {
	f := bridge.Findings{Part: p.name}
	p.examine(ctx, &f)
	if ctx.Err() != nil {
		f.Fault(p.name+".deadline", "", fmt.Sprintf("The examination was not finished within %s.", Deadline),
			"Whether customers are served was not seen; answers are very slow.", "Look at the network of this machine, and try again.")
	}
	return f.List
}

// parts lists what can be examined: a part whose configuration is faulty cannot.
func (s Subject) parts(ctx context.Context, o Options) []part {
	var list []part
	add := func(name string, examine func(context.Context, *bridge.Findings)) {
		list = append(list, part{name, examine})
	}
	if !o.Quick {
		add(partConfiguration, s.configuration)
	}
	if s.faulty("(file)") || s.faulty("(syntax)") {
		return list
	}
	add(partMachine, s.machine)
	running := true // unless it is seen that none is
	if !s.faulty("store") && !o.Quick {
		seen, err := store.Look(ctx, s.Config.Store.Path)
		running = seen.InUse || err != nil
		add(partStore, func(_ context.Context, f *bridge.Findings) { s.store(f, seen, err) })
	}
	if !s.faulty("server") && !o.Quick {
		add(partServer, func(ctx context.Context, f *bridge.Findings) { s.server(ctx, f, running) })
	}
	if !s.faulty("ccm") {
		add(partCentre, func(ctx context.Context, f *bridge.Findings) { s.centre(ctx, f, o) })
	}
	for _, a := range s.Config.Adapters {
		if s.faulty("adapters."+a.Name) || s.faulty("routes") || len(o.Only) > 0 && !slices.Contains(o.Only, a.Name) {
			continue
		}
		add(a.Name, func(ctx context.Context, f *bridge.Findings) { s.adapter(ctx, f, a, o, running) })
	}
	return list
}

// faulty reports whether the configuration has a fault at key or below it.
func (s Subject) faulty(key string) bool {
	return slices.ContainsFunc(s.Faults, func(fault config.Fault) bool {
		rest, below := strings.CutPrefix(fault.Key, key)
		return below && (rest == "" || rest[0] == '.' || rest[0] == '[') && !fault.Warning
	})
}

// configuration tells the faults and warnings that `ccbridge check` prints.
func (s Subject) configuration(_ context.Context, f *bridge.Findings) {
	for _, fault := range s.Faults {
		found := fmt.Sprintf("%s:%d: %s: %s.", fault.File, fault.Line, fault.Key, fault.Text)
		fix := "Write " + fault.Write + "."
		switch {
		case fault.Warning:
			f.Warn("configuration.key", fault.Key, found, "The bridge runs all the same.", fix)
		case fault.Unset:
			f.Fault("configuration.secret", fault.Key, found, "The bridge does not start. What needs this was not looked at.", fix)
		default:
			f.Fault("configuration.key", fault.Key, found, "The bridge does not start. What needs this was not looked at.", fix)
		}
	}
	if len(s.Faults) == 0 {
		f.OK("configuration.key", "", s.Config.Path+" has no faults.")
	}
}
