package contents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// withDigests returns an uploader that requires the digests which the registry of u has, for
// all images of nodes, and these digests.
func withDigests(t *testing.T, u contents.Uploader) (contents.Uploader, map[string]string) {
	t.Helper()
	digests := map[string]string{}
	for _, name := range neco.SabakanImages {
		img, err := neco.CurrentArtifacts.FindContainerImage(name)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := neco.NewImageFetcher(u.Transport, nil).Digest(t.Context(), img)
		if err != nil {
			t.Fatal(err)
		}
		digests[img.FullName(false)] = digest
	}
	c := u.Images.(host.Containers)
	c.Digests = digests
	u.Images = c
	return u, digests
}

func TestImagesWithTheirDigestsAreUploaded(t *testing.T) {
	u, d, _ := withContents(t)
	u, _ = withDigests(t, u)
	if err := u.Assets(t.Context()); err != nil {
		t.Fatal(err)
	}
	received, err := sabakantest.Received(t.Context(), d.sabakan)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := received["assets"].Requests, len(neco.SabakanImages)+len([]string{"node_exporter", "bmc-user.json"}); got != want {
		t.Errorf("%d assets, want %d", got, want)
	}
}

func TestAnImageWithAnotherDigestIsNotUploaded(t *testing.T) {
	u, _, _ := withContents(t)
	u, digests := withDigests(t, u)
	coil, err := neco.CurrentArtifacts.FindContainerImage("coil")
	if err != nil {
		t.Fatal(err)
	}
	full := coil.FullName(false)
	has, required := digests[full], strings.Repeat("a", 64)
	digests[full] = required
	err = u.Assets(t.Context())
	if !errors.Is(err, neco.ErrImageDigest) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{full, has, required} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: does not name %s", err, part)
		}
	}
	if _, err := u.Sabakan.Asset(t.Context(), "cybozu-coil-"+coil.Tag+".img"); !errors.Is(err, sabakan.ErrNotFound) {
		t.Errorf("sabakan has the image: %v", err)
	}
}
