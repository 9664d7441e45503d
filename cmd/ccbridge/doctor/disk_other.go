//go:build !linux

package doctor

import "errors"

// diskOf does not know.
func diskOf(string) (Disk, error) { return Disk{}, errors.New("not known on this system") }
