package cke

import (
	"errors"
	"io/fs"
)

// faulty is an error of a file of the package.
type faulty struct{ error }

func (f faulty) Unwrap() error { return f.error }

// AtFault reports whether err, an error of Desired or DesiredResources, was caused by the
// package: a file of it is absent or malformed. The same error would occur in every data
// centre.
func AtFault(err error) bool {
	var f faulty
	return errors.As(err, &f)
}

// ofFile marks err, an error of a file of the package, as a fault of the package, unless the
// disk of this host has failed to read the file.
func ofFile(err error) error {
	if onDisk := (*fs.PathError)(nil); errors.As(err, &onDisk) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return faulty{err}
}
