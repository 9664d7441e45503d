package service

import (
	"log/slog"

	"ccbridge/bridge"
	"ccbridge/ccm"
	"ccbridge/cmd/ccbridge/config"
)

// Centre is the client of the configured centre, which calls nothing yet.
func Centre(cfg config.Config) (*ccm.Client, error) { return newCentre(cfg) }

// Adapter makes a configured adapter, which opens nothing yet.
func Adapter(a config.Adapter, log *slog.Logger) (bridge.Adapter, error) { return newAdapter(a, log) }

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
