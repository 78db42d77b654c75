package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/dockercmd"
)

// Containers are the Docker images and containers of a host. They are controlled by the
// docker command in PATH.
type Containers struct {
	FS FS

	// Transport is used for requests to registries.
	Transport http.RoundTripper

	// Auth is sent to registries for images that need it; it may be nil.
	Auth authn.Authenticator
}

// FullName returns the name "<repository>:<tag>" of img in Docker. A private image has
// the name of its private repository, except in a test data centre.
func (c Containers) FullName(img neco.ContainerImage) string {
	return img.FullName(c.hasSecret())
}

func (c Containers) hasSecret() bool {
	_, err := os.Stat(c.FS.Path(neco.DCTestFile))
	return errors.Is(err, fs.ErrNotExist)
}

// Running reports whether a container of exactly this image is running. If the tag of a
// container's image was moved to another image, Docker shows the image's ID instead of
// its name.
func (c Containers) Running(ctx context.Context, img neco.ContainerImage) (bool, error) {
	out, err := dockercmd.Run(ctx, "ps", "--no-trunc", "--format", "{{.Image}}")
	if err != nil {
		return false, err
	}
	shown := strings.Fields(string(out))
	if slices.Contains(shown, c.FullName(img)) {
		return true, nil
	}
	id := c.id(ctx, img)
	return id != "" && slices.Contains(shown, id), nil
}

// Version returns the tag of the image from which the running container called name was
// started. It is empty if the container does not run, or its image has no name any
// more.
func (c Containers) Version(ctx context.Context, name string) (string, error) {
	out, err := dockercmd.Run(ctx, "ps", "--no-trunc", "--format", "{{.Names}} {{.Image}}")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		if container, image, _ := strings.Cut(strings.TrimSpace(line), " "); container == name {
			img, err := neco.ParseContainerImageName(image)
			if err != nil || strings.HasPrefix(image, idPrefix) {
				return "", nil // an ID: the name refers to another image now
			}
			return img.Tag, nil
		}
	}
	return "", nil
}

// Outdated reports whether the running container called name runs another image than
// img, because the tag of img was moved after the container was started.
func (c Containers) Outdated(ctx context.Context, name string, img neco.ContainerImage) bool {
	out, err := dockercmd.Run(ctx, "inspect", "--type", "container", "--format", "{{.Image}}", name)
	runs, is := strings.TrimSpace(string(out)), c.id(ctx, img)
	return err == nil && strings.HasPrefix(runs, idPrefix) && is != "" && runs != is
}

// idPrefix is the prefix of image IDs.
const idPrefix = "sha256:"

// id returns the ID of img, or "" if Docker does not have the image.
func (c Containers) id(ctx context.Context, img neco.ContainerImage) string {
	out, err := dockercmd.Run(ctx, "image", "inspect", "--format", "{{.Id}}", c.FullName(img))
	id := strings.TrimSpace(string(out))
	if err != nil || !strings.HasPrefix(id, idPrefix) {
		return ""
	}
	return id
}

// Present reports whether Docker has img.
func (c Containers) Present(ctx context.Context, img neco.ContainerImage) bool {
	_, err := dockercmd.Run(ctx, "image", "inspect", c.FullName(img))
	return err == nil
}

// Exec runs command in the running container called name, without input, and
// returns what it wrote to its standard output.
func (c Containers) Exec(ctx context.Context, name string, command []string) ([]byte, error) {
	return dockercmd.Run(ctx, append([]string{"exec", "--privileged", "-i", name}, command...)...)
}

// Answers returns nil if the Docker daemon answers.
func (c Containers) Answers(ctx context.Context) error {
	_, err := dockercmd.Run(ctx, "version", "--format", "{{.Server.Version}}")
	return err
}

// Signal sends a signal, such as HUP, to the main process of the running
// container called name.
func (c Containers) Signal(ctx context.Context, name, signal string) error {
	_, err := dockercmd.Run(ctx, "kill", "--signal", signal, name)
	if err != nil && (strings.Contains(err.Error(), "No such container") || strings.Contains(err.Error(), "is not running")) {
		return fmt.Errorf("signal %s: %w", name, ErrNoContainer)
	}
	return err
}

// ErrNoContainer is returned if no container of that name runs.
var ErrNoContainer = errors.New("no such container runs")

// RunInstallTools copies the commands in img to /usr/local/bin of the host, which the
// image expects at the directory mount.
func (c Containers) RunInstallTools(ctx context.Context, img neco.ContainerImage, mount string) error {
	dir := c.FS.Path("/usr/local/bin")
	if err := makeDir(dir); err != nil {
		return fmt.Errorf("install tools of %s: %w", img.Name, err)
	}
	_, err := dockercmd.Run(ctx, "run", "--pull", "never", "--rm", "-u", "root:root", "--entrypoint=",
		"-v", dir+":"+mount, c.FullName(img), "/usr/local/"+img.Name+"/install-tools")
	if err != nil {
		return fmt.Errorf("install tools of %s: %w", img.Name, err)
	}
	return nil
}
