package placemat

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// repository is the name under which Docker has the imported images of a kind of server: boot or
// node.
func repository(kind string) string { return "placemat/" + kind }

// importTimeout is how long placemat waits for Docker to import an image, or to remove a
// server with its volumes, before it fails.
const importTimeout = 5 * time.Minute

// machine reports whether a node is a container with its own systemd, which then
// configures the node's network itself. All other nodes are network namespaces.
func (c *Centre) machine(n cluster.Node) bool {
	return n.Kind == cluster.Boot && c.image("boot") != "" || c.netboots(n)
}

// image returns the name of the image of a kind of server in Docker, or "" if those servers are
// only network namespaces.
func (c *Centre) image(kind string) string {
	data, err := os.ReadFile(c.path(kind + "-image"))
	if err != nil {
		return ""
	}
	return string(data)
}

// importImage imports the root file system in file into Docker, unless Docker has it
// already, and records the image's name. To save disk space, it removes older images that
// no server uses.
func (c *Centre) importImage(ctx context.Context, kind, file string) error {
	if file == "" {
		return nil
	}
	if err := c.noteDocker(); err != nil {
		return err
	}
	image := repository(kind) + ":" + strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if _, err := c.docker(ctx, "image", "inspect", image); err != nil {
		c.Say("importing %s into Docker", filepath.Base(file))
		if _, err := c.dockerFor(ctx, importTimeout, nil, "import", file, image); err != nil {
			return err
		}
	}
	c.forgetImages(ctx, repository(kind), image)
	return os.WriteFile(c.path(kind+"-image"), []byte(image), 0o644)
}

// forgetImages removes all images of a kind of server except the image called but. It ignores
// errors, because Docker refuses to remove an image that a server uses.
func (c *Centre) forgetImages(ctx context.Context, repository, but string) {
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
