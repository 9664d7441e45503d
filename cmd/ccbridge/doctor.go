package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/doctor"
	"ccbridge/cmd/ccbridge/service"
)

// runDoctor carries out `ccbridge doctor`: it prints what it finds, and fails if customers are not served.
func runDoctor(ctx context.Context, args []string, machine doctor.Machine, stdout, stderr io.Writer) error {
	var opts doctor.Options
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	path := flags.String("config", "config.toml", "the configuration `file`")
	asJSON := flags.Bool("json", false, "print a report in JSON")
	flags.BoolVar(&opts.Live, "live", false, `also open a conversation at the centre, as "ccbridge doctor", and end it at once; and, if no
bridge runs on the store, open and close the line to each platform. Customers notice nothing. Where
the centre's channel leads straight to agents, one of them may see that visitor come and go`)
	flags.Func("adapter", "look at this adapter only, by its `name`; may be given again for others", func(name string) error {
		opts.Only = append(opts.Only, name)
		return nil
	})
	if err := parse(flags, args, stdout, stderr); err != nil {
		return err
	}
	cfg, faults := config.Load(*path, machine.Env)
	for _, name := range opts.Only {
		if len(cfg.Adapters) > 0 && !slices.ContainsFunc(cfg.Adapters, func(a config.Adapter) bool { return a.Name == name }) {
			return fmt.Errorf("%s has no adapter %q", *path, name)
		}
	}
	var printed error
	list := doctor.Examine(ctx, service.Subject(cfg, faults, machine, slog.New(slog.DiscardHandler)), opts, func(part string, list []bridge.Finding) {
		if !*asJSON && printed == nil {
			printed = doctor.WritePart(stdout, part, list)
		}
	})
	if ctx.Err() != nil {
		return errors.New("interrupted: not everything was looked at")
	}
	report := doctor.NewReport(list)
	if *asJSON {
		printed = report.WriteJSON(stdout)
	} else if printed == nil {
		_, printed = fmt.Fprintln(stdout, report.Summary())
	}
	if printed != nil {
		return fmt.Errorf("print the findings: %w", printed)
	}
	if !report.Healthy {
		return fmt.Errorf("faults found: %d", report.Faults)
	}
	return nil
}
