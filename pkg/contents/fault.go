package contents

import (
	"errors"
	"io/fs"

	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// faulty is an error caused by a file of the package.
type faulty struct{ error }

func (f faulty) Unwrap() error { return f.error }

// AtFault reports whether err, an error of an upload, was caused by the package: a file of it
// is absent or malformed, or sabakan refuses its contents. The same upload would fail in
// every data centre.
func AtFault(err error) bool {
	var f faulty
	return errors.As(err, &f)
}

// ofFile marks err, an error of reading or parsing a file of the package, as final. It also
// marks err as a fault of the package, unless the disk of this host has failed to read the
// file.
func ofFile(err error) error {
	if onDisk := (*fs.PathError)(nil); errors.As(err, &onDisk) && !errors.Is(err, fs.ErrNotExist) {
		return retry.Final(err)
	}
	return faulty{retry.Final(err)}
}

// ofUpload marks err, an error of an upload of a file of the package, as a fault of the
// package if sabakan refuses the contents.
func ofUpload(err error) error {
	if errors.Is(err, sabakan.ErrRefused) {
		return faulty{err}
	}
	return err
}
