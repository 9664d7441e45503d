package setup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// mayWrite refuses at once, before anything is asked, what write would refuse at the end.
func mayWrite(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there, and is no regular file; name another with -config", path)
	case !force:
		return fmt.Errorf("%s is there already; name another file with -config, or replace it with -force", path)
	}
	return nil
}

// write makes the file, mode 0600, whole or not at all. Without force it never replaces one, not even one made meanwhile.
func write(path, text string, force bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".ccbridge-init-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone after a rename
	if _, err = f.WriteString(text); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if force {
		err = os.Rename(f.Name(), path)
	} else {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// makeSecretFiles makes the empty files, mode 0600, that the operator fills. Those that are there are left alone.
func makeSecretFiles(path string, a answers) error {
	for _, s := range secretsFor(a) {
		name := filepath.Join(filepath.Dir(path), filepath.FromSlash(s.file()))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return fmt.Errorf("make the folder for secrets: %w", err)
		}
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return fmt.Errorf("make the file for a secret: %w", err)
		}
	}
	return nil
}
