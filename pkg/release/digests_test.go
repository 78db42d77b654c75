package release

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
)

// faults returns the entries of s that are wrong for the artifacts in set: with them, a file
// would be refused, or would not be verified.
func faults(s Digests, set neco.ArtifactSet) []string {
	kernel, initrd := set.OSImage.URLs()
	keys := []string{kernel, initrd}
	for _, d := range set.Debs {
		keys = append(keys, DigestKey(d))
	}
	for _, img := range set.Images {
		keys = append(keys, img.FullName(false), img.FullName(true))
	}
	var wrong []string
	for key, digest := range s {
		if !slices.Contains(keys, key) {
			wrong = append(wrong, fmt.Sprintf("%q: no such artifact", key))
		}
		if !isDigest(digest) {
			wrong = append(wrong, fmt.Sprintf("%q: %q is not a SHA-256", key, digest))
		}
	}
	if (s.OfURL(kernel) == "") != (s.OfURL(initrd) == "") {
		wrong = append(wrong, "only one of the two files of the operating system")
	}
	return wrong
}

func TestEachDigestBelongsToAnArtifact(t *testing.T) {
	if wrong := faults(ArtifactDigests(), neco.CurrentArtifacts); len(wrong) > 0 {
		t.Error(wrong)
	}
	set := neco.ArtifactSet{
		Images:  []neco.ContainerImage{{Name: "bmc", Repository: "quay.io/cybozu/bmc", Tag: "1.2.0", Private: true}},
		Debs:    []neco.DebianPackage{agentPackage()},
		OSImage: neco.OSImage{Channel: "stable", Version: "2.0.0"},
	}
	kernel, initrd := set.OSImage.URLs()
	old, _ := neco.OSImage{Channel: "stable", Version: "1.0.0"}.URLs()
	sum := digest("x")
	for name, c := range map[string]struct {
		table Digests
		want  string // part of the fault
	}{
		"all":                              {Digests{DigestKey(agentPackage()): sum, kernel: sum, initrd: sum}, ""},
		"the kernel of a version ago":      {Digests{kernel: sum, initrd: sum, old: sum}, "no such artifact"},
		"an image, from both repositories": {Digests{"quay.io/cybozu/bmc:1.2.0": sum, "quay.io/cybozu/bmc-secret:1.2.0": sum}, ""},
		"an image with another tag":        {Digests{"quay.io/cybozu/bmc:1.1.0": sum}, "no such artifact"},
		"an upper-case digest":             {Digests{DigestKey(agentPackage()): strings.ToUpper(sum)}, "not a SHA-256"},
		"a kernel without its initrd":      {Digests{kernel: sum}, "only one"},
	} {
		if got := strings.Join(faults(c.table, set), "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
