package console

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"ccbridge/bridge"
	"ccbridge/bridge/store"
	"ccbridge/cmd/ccbridge/config"
)

// Open gives the console of the bridge that runs with this configuration or, where none runs, of its store. The caller
// closes it. running: what is asked for is done at once, else after the next start.
func Open(ctx context.Context, cfg config.Config) (c bridge.Console, running bool, done func() error, err error) {
	live, unreached := dial(ctx, cfg.Admin.Socket)
	if unreached == nil {
		return live, true, live.close, nil
	}
	if _, err := os.Stat(cfg.Store.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil, fmt.Errorf("there is no database %s: no bridge has run with this configuration yet", cfg.Store.Path)
	}
	st, err := store.Open(ctx, cfg.Store.Path, store.Options{})
	switch {
	case errors.Is(err, store.ErrLocked):
		return nil, false, nil, fmt.Errorf("a bridge runs on %s, but cannot be reached at its socket %s (%w): "+
			"ask as the user who runs it, with the configuration it runs with", cfg.Store.Path, cfg.Admin.Socket, unreached)
	case errors.Is(err, fs.ErrPermission):
		return nil, false, nil, fmt.Errorf("%w: ask as the user who runs the bridge", err)
	case err != nil:
		return nil, false, nil, err
	}
	return bridge.Offline(st), false, st.Close, nil
}
