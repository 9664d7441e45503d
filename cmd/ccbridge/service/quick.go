package service

import (
	"context"
	"log/slog"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/doctor"
)

// quickLook logs what a doctor sees at the start in a few calls: a line for each thing that is wrong, and one that counts.
// It has clients of its own, so that the bridge neither waits for it nor is changed by it.
func quickLook(ctx context.Context, cfg config.Config, log *slog.Logger) {
	subject := Subject(cfg, nil, doctor.ThisMachine(), slog.New(slog.DiscardHandler))
	list := doctor.Examine(ctx, subject, doctor.Options{Quick: true}, func(string, []bridge.Finding) {})
	if ctx.Err() != nil {
		return // it was stopped, and not everything was looked at
	}
	for _, f := range list {
		level := slog.LevelWarn
		switch f.Level {
		case bridge.FindingOK:
			continue
		case bridge.FindingFault:
			level = slog.LevelError
		}
		log.Log(ctx, level, "doctor", "part", f.Part, "check", f.Check, "subject", f.Subject, "found", f.Found, "means", f.Means, "fix", f.Fix)
	}
	r := doctor.NewReport(list)
	log.Info("doctor has looked", "ok", r.OK, "warnings", r.Warnings, "faults", r.Faults)
}
