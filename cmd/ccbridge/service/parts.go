package service

import (
	"log/slog"

	"ccbridge/bridge"
	"ccbridge/cmd/ccbridge/config"
	"ccbridge/cmd/ccbridge/doctor"
)

// Subject is what a doctor needs to look at a configured bridge. faults are the configuration's.
func Subject(cfg config.Config, faults []config.Fault, m doctor.Machine, log *slog.Logger) doctor.Subject {
	return doctor.Subject{
		Config: cfg, Faults: faults, Centre: centreConfig(cfg), Machine: m,
		Adapter: func(a config.Adapter) (bridge.Adapter, error) { return newAdapter(a, nil, log) },
		Routes:  func(adapter string) []bridge.Route { return Routes(cfg, adapter) },
	}
}

// Routes are the configured routes of an adapter, in the order of the file.
func Routes(cfg config.Config, adapter string) []bridge.Route {
	var own []bridge.Route
	for _, r := range coreRoutes(cfg) {
		if r.Adapter == adapter {
			own = append(own, r)
		}
	}
	return own
}
