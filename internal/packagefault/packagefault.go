// Package packagefault marks errors that a file of the neco package has caused, so that the
// release can be marked as bad.
package packagefault

import (
	"errors"
	"io/fs"
)

// fault is an error that the package has caused.
type fault struct{ error }

func (f fault) Unwrap() error { return f.error }

// Of marks err as caused by the package.
func Of(err error) error { return fault{err} }

// OfFile marks err, an error of reading or parsing a file of the package, as caused by the
// package, unless the disk of this host has failed to read the file.
func OfFile(err error) error {
	if onDisk := (*fs.PathError)(nil); errors.As(err, &onDisk) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fault{err}
}

// Is reports whether err was caused by the package: a file of it is absent or malformed, or
// another program refuses its contents. The same error would occur in every data centre.
func Is(err error) bool {
	var f fault
	return errors.As(err, &f)
}
