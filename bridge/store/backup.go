package store

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Backup writes a consistent copy of the database at path to target, a new file of mode 0600. A process may be at work on
// the database: it goes on meanwhile. After an error there is no target.
func Backup(ctx context.Context, path, target string) error {
	seen, err := Look(ctx, path)
	switch {
	case err != nil:
		return fmt.Errorf("back up: %w", err)
	case !seen.Exists || seen.Schema == 0:
		return fmt.Errorf("back up: there is no database of ccbridge's at %s", path)
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	if err = errors.Join(seen.copyTo(ctx, path, target), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("back up %s: %w", path, errors.Join(err, os.Remove(target)))
	}
	return nil
}
