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
	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/cybozu-go/neco/internal/dockercmd"
)

// Containers operates on the Docker images and containers of a host: it asks Docker's daemon,
// and changes them by the docker command in PATH.
type Containers struct {
	FS FS

	// Transport carries the requests to image registries.
	Transport http.RoundTripper

	// Cache carries the requests of Tarball and keeps the layers of images; it may be nil.
	Cache http.RoundTripper

	// Auth is the account at the registries of images that need one; it may be nil.
	Auth authn.Authenticator

	// Digests are the digests of images by their full names, as in
	// [neco.ImageFetcher.WithDigests]. An image that Docker already has is not compared.
	Digests map[string]string
}

// FullName returns the name "<repository>:<tag>" that img has in Docker. The name of a
// private image contains its private repository, except in a test data centre.
func (c Containers) FullName(img neco.ContainerImage) string {
	return img.FullName(c.hasSecret())
}

func (c Containers) hasSecret() bool {
	_, err := os.Stat(c.FS.Path(neco.DCTestFile))
	return errors.Is(err, fs.ErrNotExist)
}

// Running reports whether a container of exactly the image img is running. It also
// compares image IDs, because Docker shows the ID of a container's image instead of its
// name if the tag was moved to another image since.
func (c Containers) Running(ctx context.Context, img neco.ContainerImage) (bool, error) {
	all, err := c.docker().Containers(ctx)
	if err != nil {
		return false, err
	}
	full := c.FullName(img)
	if slices.ContainsFunc(all, func(r dockerapi.Container) bool { return r.Image == full }) {
		return true, nil
	}
	id, err := c.docker().ImageID(ctx, full)
	if errors.Is(err, dockerapi.ErrNoImage) {
		return false, nil
	}
	return slices.ContainsFunc(all, func(r dockerapi.Container) bool { return r.Image == id }), err
}

// docker returns the API of the host's Docker.
func (c Containers) docker() dockerapi.Client { return dockerapi.New(c.FS.Path(dockerapi.Socket)) }

// Version returns the tag of the image from which the running container called name was
// started. It returns "" if the container does not run, or if the tag was moved to
// another image since.
func (c Containers) Version(ctx context.Context, name string) (string, error) {
	r, _, err := c.docker().Container(ctx, name)
	if err != nil {
		return "", err
	}
	img, err := neco.ParseContainerImageName(r.Image)
	if err != nil || strings.HasPrefix(r.Image, idPrefix) {
		return "", nil // it does not run, or the name refers to another image now
	}
	return img.Tag, nil
}

// idPrefix begins the ID of an image.
const idPrefix = "sha256:"

// Outdated reports whether the container called name runs another image than img because
// the tag of img was moved after the container's start. It returns false if it cannot
// find out.
func (c Containers) Outdated(ctx context.Context, name string, img neco.ContainerImage) bool {
	r, found, err := c.docker().Container(ctx, name)
	if err != nil || !found {
		return false
	}
	id, err := c.docker().ImageID(ctx, c.FullName(img))
	return err == nil && r.ImageID != id
}

// Present reports whether Docker has the image img. It returns false if it cannot find out.
func (c Containers) Present(ctx context.Context, img neco.ContainerImage) bool {
	return c.has(ctx, img) == nil
}

// has returns nil if Docker has the image img, and dockerapi.ErrNoImage if it does not.
func (c Containers) has(ctx context.Context, img neco.ContainerImage) error {
	_, err := c.docker().ImageID(ctx, c.FullName(img))
	return err
}

// Exec runs command in the running container called name, without input, and returns the
// command's standard output.
func (c Containers) Exec(ctx context.Context, name string, command []string) ([]byte, error) {
	return dockercmd.Run(ctx, append([]string{"exec", "--privileged", "-i", name}, command...)...)
}

// Answers returns nil if the Docker daemon answers.
func (c Containers) Answers(ctx context.Context) error {
	return c.docker().Ping(ctx)
}

// RunningContainer is a running container of a host.
type RunningContainer struct {
	Name   string
	Labels map[string]string
}

// RunningContainers returns the running containers.
func (c Containers) RunningContainers(ctx context.Context) (running []RunningContainer, err error) {
	all, err := c.docker().Containers(ctx)
	for _, r := range all {
		for _, name := range r.Names {
			running = append(running, RunningContainer{strings.TrimPrefix(name, "/"), r.Labels})
		}
	}
	return running, err
}

// RestartsWithDocker reports whether Docker's daemon starts the running container called
// name again after a restart of the daemon. A container with the restart policy on-failure
// stays down; see https://docs.docker.com/engine/containers/start-containers-automatically/.
// RestartsWithDocker returns false for a container that has ended.
func (c Containers) RestartsWithDocker(ctx context.Context, name string) (bool, error) {
	policy, err := c.docker().RestartPolicy(ctx, name)
	if errors.Is(err, dockerapi.ErrNoContainer) {
		return false, nil
	}
	return policy == "always" || policy == "unless-stopped", err
}

// Proxies returns the HTTP and the HTTPS proxy that the running Docker daemon uses, or ""
// for none. Docker shows xxxxx in place of the user name and the password in a URL.
func (c Containers) Proxies(ctx context.Context) (http, https string, err error) {
	info, err := c.docker().Info(ctx)
	return info.HTTPProxy, info.HTTPSProxy, err
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

// ErrNoContainer reports that no container of the given name is running.
var ErrNoContainer = errors.New("no such container runs")

// RunInstallTools copies the commands in img to /usr/local/bin of the host. It mounts
// that directory at mount in a container of img, and runs the install-tools program
// there.
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
