// Command release-digests prints the table of digests of a release: what the release
// installs of other projects, with the SHA-256 that it requires.
package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/release"
)

// unknown is in the table instead of a missing digest.
const unknown = "unknown"

func main() {
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "usage: release-digests")
		os.Exit(2)
	}
	if err := write(os.Stdout, component.Artifacts(), release.ArtifactDigests()); err != nil {
		fmt.Fprintf(os.Stderr, "release-digests: %v\n", err)
		os.Exit(1)
	}
}

// write writes a line for each artifact in set, in the order of set: its digest, then its
// name as the key of digests. A private image has two names, because it is two images.
func write(w io.Writer, set neco.ArtifactSet, digests release.Digests) error {
	kernel, initrd := set.OSImage.URLs()
	var keys []string
	for _, img := range set.Images {
		keys = append(keys, img.FullName(false))
		if img.Private {
			keys = append(keys, img.FullName(true))
		}
	}
	for _, d := range set.Debs {
		keys = append(keys, release.DigestKey(d))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, key := range append(keys, kernel, initrd) {
		digest := digests[key]
		if digest == "" {
			digest = unknown
		}
		fmt.Fprintf(t, "%s\t%s\n", digest, key)
	}
	return t.Flush()
}
