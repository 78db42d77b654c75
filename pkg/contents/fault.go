package contents

import (
	"errors"

	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// ofFile marks err, an error of reading or parsing a file of the package, as final and as
// packagefault.OfFile does.
func ofFile(err error) error { return packagefault.OfFile(retry.Final(err)) }

// ofUpload marks err, an error of an upload of a file of the package, as a fault of the
// package if sabakan refuses the contents.
func ofUpload(err error) error {
	if errors.Is(err, sabakan.ErrRefused) {
		return packagefault.Of(err)
	}
	return err
}
