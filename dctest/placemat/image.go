package placemat

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// repository is the name under which Docker has the imported images of boot servers.
const repository = "placemat/boot"

// importTimeout is how long placemat waits for Docker to import an image, or to remove a
// server with its volumes, before it fails.
const importTimeout = 5 * time.Minute

// machine reports whether a node is a container with its own systemd, which then
// configures the node's network itself. All other nodes are network namespaces.
func (c *Centre) machine(n cluster.Node) bool {
	return n.Kind == cluster.Boot && c.bootImage() != ""
}

// bootImage returns the name of the boot servers' image in Docker, or "" if boot servers
// are only network namespaces.
func (c *Centre) bootImage() string {
	data, err := os.ReadFile(c.path("boot-image"))
	if err != nil {
		return ""
	}
	return string(data)
}

// importImage imports the root file system in file into Docker, unless Docker has it
// already, and records the image's name. To save disk space, it removes older images that
// no server uses.
func (c *Centre) importImage(ctx context.Context, file string) error {
	if file == "" {
		return nil
	}
	if err := c.noteDocker(); err != nil {
		return err
	}
	image := repository + ":" + strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if _, err := c.docker(ctx, "image", "inspect", image); err != nil {
		c.Say("importing %s into Docker", filepath.Base(file))
		if _, err := c.dockerFor(ctx, importTimeout, nil, "import", file, image); err != nil {
			return err
		}
	}
	c.forgetImages(ctx, image)
	return os.WriteFile(c.path("boot-image"), []byte(image), 0o644)
}

// forgetImages removes all images of boot servers except the image called but. It ignores
// errors, because Docker refuses to remove an image that a server uses.
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
