package host

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
)

func TestADigestHoldsForPullsAndForUploads(t *testing.T) {
	img := neco.ContainerImage{Name: "serf", Repository: serveImage(t, "cybozu/serf:1.0") + "/cybozu/serf", Tag: "1.0"}
	c := testContainers(t, false)
	good, err := neco.NewImageFetcher(c.Transport, nil).Digest(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	for title, digest := range map[string]string{"another digest": strings.Repeat("a", 64), "the digest of the image": good} {
		t.Run(title, func(t *testing.T) {
			fakeDocker(t, "") // which does not have the image yet
			c.Digests = map[string]string{img.FullName(false): digest}
			wrong := digest != good
			if err := c.Pull(t.Context(), img); errors.Is(err, neco.ErrImageDigest) != wrong || (err != nil) != wrong {
				t.Errorf("Pull: %v", err)
			}
			if left := names(t, c.FS.Path(tmpDir)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
			err := c.Tarball(t.Context(), img, &bytes.Buffer{})
			if errors.Is(err, neco.ErrImageDigest) != wrong || (err != nil) != wrong {
				t.Errorf("Tarball: %v", err)
			}
		})
	}
}
