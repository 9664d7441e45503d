// Package demo runs the bridge against simulators, for whoever wants to see it at work.
//
// Without flags it serves a page on loopback: a customer's place in Slack and one in Discord, the agent's desk, and a
// strip with what the bridge does meanwhile. The bridge is a process of its own there (this program, `run`), so that it can
// be killed for real; the simulators live in the demo's process and know what really happened. What the strip shows comes
// from the bridge's log at debug level.
package demo

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"ccbridge/cmd/ccbridge/service"
)

// Options are the flags of `ccbridge demo`.
type Options struct {
	Addr     string // where the page is served: a loopback address; port 0 is any free one
	Platform string // "slack", "discord", or "": Slack in the terminal, both one after the other in the script
	Terminal bool   // talk to the bridge in the terminal
	SimsOnly bool   // only the simulators, on fixed ports
	Script   bool   // a conversation that plays and checks itself
	Verbose  bool   // show the bridge's log
}

// Define makes the command line fill in o.
func (o *Options) Define(flags *flag.FlagSet) {
	flags.StringVar(&o.Addr, "addr", "127.0.0.1:0", "the page's address, on this machine")
	flags.BoolVar(&o.Terminal, "terminal", false, "talk to the bridge in this terminal")
	flags.BoolVar(&o.SimsOnly, "sims", false, "only the simulators, on fixed ports, and a configuration for ccbridge run")
	flags.BoolVar(&o.Script, "script", false, "play a whole conversation and check it")
	flags.BoolVar(&o.Verbose, "v", false, "show the bridge's log")
	flags.Func("platform", "slack or discord", func(value string) error {
		if value != platformSlack && value != platformDiscord {
			return errors.New("it is slack or discord")
		}
		o.Platform = value
		return nil
	})
}

// Check finds flags that contradict each other.
func (o *Options) Check() error {
	if o.SimsOnly && (o.Script || o.Terminal) || o.Script && o.Terminal {
		return errors.New("only one of -terminal, -script and -sims")
	}
	if o.Platform != "" && !o.Script && !o.Terminal {
		return errors.New("-platform goes with -terminal or -script: the page shows both")
	}
	return nil
}

const (
	platformSlack   = "slack"
	platformDiscord = "discord"
)

// Run runs the bridge against simulators until ctx ends, or the conversation does.
func Run(ctx context.Context, opts Options, stdin io.Reader, stdout, stderr io.Writer) error {
	level := slog.LevelError
	if opts.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(strict{service.NewLog(stderr, level).Handler()})
	switch {
	case opts.SimsOnly:
		return serveSims(ctx, demoPorts, stdout)
	case opts.Script:
		platforms := []string{platformSlack, platformDiscord}
		if opts.Platform != "" {
			platforms = []string{opts.Platform}
		}
		for _, platform := range platforms {
			play := func(ctx context.Context, s *stage) error { return playScript(ctx, s, stdout) }
			if err := onStage(ctx, platform, log, play); err != nil {
				return fmt.Errorf("demo on %s: %w", platform, err)
			}
			if ctx.Err() != nil {
				return errors.New("the script was interrupted")
			}
		}
		return nil
	case !opts.Terminal:
		bridgeLog := io.Discard
		if opts.Verbose {
			bridgeLog = stderr
		}
		return playWeb(ctx, opts.Addr, bridgeLog, stdout)
	default:
		platform := opts.Platform
		if platform == "" {
			platform = platformSlack
		}
		return onStage(ctx, platform, log, func(ctx context.Context, s *stage) error {
			return converse(ctx, s, stdin, stdout)
		})
	}
}

// strict drops every record below its level, also where the bridge listens, which it tells at any level: here nobody asks.
type strict struct{ slog.Handler }

// Handle implements slog.Handler.
func (h strict) Handle(ctx context.Context, r slog.Record) error {
	if !h.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}
