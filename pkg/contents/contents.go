// Package contents uploads to sabakan what nodes boot and run: the operating system,
// container images, files, ignition templates and the DHCP configuration.
//
// It owns the decision what has to be uploaded: it compares what sabakan has with what
// the installed package and the configuration require, so that an upload can be repeated
// at any time and sends only what differs. It must not know when an upload happens and
// which boot server does it: pkg/steps and the command neco init-data decide that.
package contents

import (
	"context"
	"io"
	"net/http"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// Uploader uploads the contents of the installed package to one sabakan server. Its
// methods block until the upload is complete or ctx ends, and return an error for which
// [retry.MayPass] is false if the same upload cannot succeed later.
type Uploader struct {
	FS        host.FS
	Artifacts neco.ArtifactSet
	// Digests are the digests of the operating system's files.
	Digests release.Digests
	// Sabakan is a client of the sabakan on this host: sabakan accepts uploads only from
	// its own host.
	Sabakan *sabakan.Client
	// Images downloads container images.
	Images Images
	// Transport connects to the internet.
	Transport http.RoundTripper
	// Private reports whether nodes get private images from private repositories.
	Private bool
	// Progress, if not nil, is called with a text of what the upload is doing. It must be
	// safe for concurrent use.
	Progress func(format string, args ...any)
	// Observe, if not nil, is called with the progress and the result of each content. It
	// must be safe for concurrent use and must not block.
	Observe func(Event)
}

// Images downloads container images. Uploads report the progress of a download if it goes
// through pkg/blobcache.
type Images interface {
	// Tarball downloads img and writes it to w in the format of docker load. It writes the
	// same bytes each time.
	Tarball(ctx context.Context, img neco.ContainerImage, w io.Writer) error
	// TarballSize returns the number of bytes that Tarball writes, without a download of
	// layers.
	TarballSize(ctx context.Context, img neco.ContainerImage) (int64, error)
}

// report calls u.Progress. It does nothing if Progress is nil.
func (u Uploader) report(format string, args ...any) {
	if u.Progress != nil {
		u.Progress(format, args...)
	}
}
