package placemat

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// repository names the images that were imported for boot servers.
const repository = "placemat/boot"

// importTimeout bounds the import of an image, and the removal of a server
// with its disk.
const importTimeout = 5 * time.Minute

// machine reports whether a node is a container with a systemd of its own,
// which sets its network up itself.
func (c *Centre) machine(n cluster.Node) bool {
	return n.Kind == cluster.Boot && c.bootImage() != ""
}

// bootImage is the image of the boot servers in Docker; empty: they are
// namespaces only.
func (c *Centre) bootImage() string {
	data, err := os.ReadFile(c.path("boot-image"))
	if err != nil {
		return ""
	}
	return string(data)
}

// importImage gives Docker the root file system in file, once, and notes it.
// Older ones that no server uses go: they are as large as a system.
func (c *Centre) importImage(ctx context.Context, file string) error {
	if file == "" {
		return nil
	}
	if err := c.noteDocker(); err != nil {
		return err
	}
	image := repository + ":" + strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if _, err := c.docker(ctx, "image", "inspect", image); err != nil {
		c.Say("imports %s into Docker", filepath.Base(file))
		if _, err := c.dockerFor(ctx, importTimeout, nil, "import", file, image); err != nil {
			return err
		}
	}
	c.forgetImages(ctx, image)
	return os.WriteFile(c.path("boot-image"), []byte(image), 0o644)
}

// forgetImages removes all images of boot servers but one.  Docker refuses
// those that a server uses, and whatever stays disturbs nobody.
func (c *Centre) forgetImages(ctx context.Context, but string) {
	out, err := c.docker(ctx, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository)
	if err != nil {
		return
	}
	for _, image := range strings.Fields(out) {
		if image != but {
			_, _ = c.docker(ctx, "image", "rm", image)
		}
	}
}
