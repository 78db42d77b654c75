package artifacts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

// feedURL is the URL of the list of Flatcar's releases in a channel.
const feedURL = "https://www.flatcar.org/releases-json/releases-%s.json"

// maxFeed is the maximum size in bytes of that list. It has some 2 MB.
const maxFeed = 32 << 20

// osArchitecture is Flatcar's name of the architecture of nodes.
const osArchitecture = "amd64"

// osRelease is one release in the list. An empty field stands for the channel of the list, and
// for all architectures. The list has a second entry for the newest release, with the key
// "current".
type osRelease struct {
	Channel       string   `json:"channel"`
	Architectures []string `json:"architectures"`
}

// osImage gives image the highest version in its channel that counts.
func (f Finder) osImage(ctx context.Context, image *neco.OSImage) error {
	address := fmt.Sprintf(feedURL, image.Channel)
	releases, err := f.osReleases(ctx, address)
	if err != nil {
		return err
	}
	var versions []string
	for version, r := range releases {
		if cmp.Or(r.Channel, image.Channel) == image.Channel && (len(r.Architectures) == 0 || slices.Contains(r.Architectures, osArchitecture)) {
			versions = append(versions, version)
		}
	}
	c := choice{current: image.Version, ignored: f.Ignored.osImage(image.Channel), stable: f.Release}
	if image.Version, err = c.newest(versions); err != nil {
		return fmt.Errorf("choose a release for %s in %s: %w", osArchitecture, address, err)
	}
	return nil
}

// osReleases returns the releases in the list at address by their versions.
func (f Finder) osReleases(ctx context.Context, address string) (releases map[string]osRelease, err error) {
	dir, err := os.MkdirTemp("", "neco-artifacts-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "releases.json")
	if _, err := release.Fetch(ctx, &http.Client{Transport: f.Transport}, address, file, release.Limits{MaxBytes: maxFeed}); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &releases); err != nil {
		return nil, fmt.Errorf("read %s: the answer is not a list of releases: %w", address, err)
	}
	return releases, nil
}
