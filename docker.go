package neco

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"golang.org/x/term"

	"github.com/cybozu-go/neco/internal/dockercmd"
	"github.com/cybozu-go/neco/internal/weburl"
)

// dockerQueryTimeout is how long a query of the Docker daemon may take before it fails.
// A working daemon responds at once.
const dockerQueryTimeout = 30 * time.Second

// Bind makes a directory of the host visible in a container.
type Bind struct {
	// Name identifies the bind among others. Docker does not use it.
	Name     string
	Source   string
	Dest     string
	ReadOnly bool
}

// ContainerRuntime runs containers on this boot server.
type ContainerRuntime interface {
	// ImageFullName returns "<repository>:<tag>" of img. The repository of a private
	// image gets the suffix "-secret" if this server uses private repositories.
	ImageFullName(img ContainerImage) string

	// Pull makes img available for Run. It blocks until img is available or ctx ends.
	Pull(ctx context.Context, img ContainerImage) error

	// Run runs args in a new container of img and blocks until the container ends. The
	// image must be available already.
	Run(ctx context.Context, img ContainerImage, binds []Bind, args []string) error

	// Exec runs command in the running container called name and returns the error of
	// exec.Cmd.Run. If stdio is true, the command has the standard input, output and
	// error of this process.
	Exec(ctx context.Context, name string, stdio bool, command []string) error

	// IsRunning reports whether a container of exactly this image, including its tag,
	// is running.
	IsRunning(img ContainerImage) (bool, error)
}

// GetContainerRuntime returns the container runtime of this server: Docker, controlled
// by the docker command in PATH. Images are fetched through the HTTP proxy at the
// absolute URL proxy, or directly if proxy is empty.
func GetContainerRuntime(proxy string) (ContainerRuntime, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if proxy != "" {
		u, err := weburl.ParseProxy(proxy)
		if err != nil {
			return nil, fmt.Errorf("container runtime: proxy: %w", err)
		}
		transport.Proxy = http.ProxyURL(u)
	}
	if _, err := exec.LookPath("docker"); err != nil {
		return nil, fmt.Errorf("container runtime: %w", err)
	}
	return dockerRuntime{transport: transport, testFile: DCTestFile}, nil
}

type dockerRuntime struct {
	transport http.RoundTripper
	testFile  string
}

var _ ContainerRuntime = dockerRuntime{}

// hasSecret reports whether this server uses private repositories. Only a server of a
// test data centre does not.
func (d dockerRuntime) hasSecret() bool {
	_, err := os.Stat(d.testFile)
	return errors.Is(err, os.ErrNotExist)
}

func (d dockerRuntime) ImageFullName(img ContainerImage) string {
	return img.FullName(d.hasSecret())
}

func (d dockerRuntime) Pull(ctx context.Context, img ContainerImage) error {
	full := d.ImageFullName(img)
	if _, err := dockercmd.Run(ctx, "image", "inspect", full); err == nil {
		return nil
	}
	var auth authn.Authenticator
	if d.hasSecret() && img.Private {
		auth = authn.Anonymous // selects the private repository, which may refuse the anonymous request
	}
	fetcher := NewImageFetcher(d.transport, auth)
	return loadImage(ctx, full, func(w io.Writer) error {
		return fetcher.GetTarball(ctx, img, w)
	})
}

func (d dockerRuntime) Run(ctx context.Context, img ContainerImage, binds []Bind, args []string) error {
	cmdline := []string{"run", "--pull", "never", "--rm", "-u", "root:root", "--entrypoint="}
	for _, b := range binds {
		volume := b.Source + ":" + b.Dest
		if b.ReadOnly {
			volume += ":ro"
		}
		cmdline = append(cmdline, "-v", volume)
	}
	cmdline = append(cmdline, d.ImageFullName(img))
	_, err := dockercmd.Run(ctx, append(cmdline, args...)...)
	return err
}

func (d dockerRuntime) Exec(ctx context.Context, name string, stdio bool, command []string) error {
	interactive := "-i"
	if stdio && term.IsTerminal(int(os.Stdin.Fd())) {
		interactive = "-it"
	}
	args := append([]string{"exec", "--privileged", interactive, name}, command...)
	cmd := exec.CommandContext(ctx, "docker", args...)
	if stdio {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	}
	return cmd.Run()
}

func (d dockerRuntime) IsRunning(img ContainerImage) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dockerQueryTimeout)
	defer cancel()
	out, err := dockercmd.Run(ctx, "ps", "--no-trunc", "--format", "{{.Image}}")
	if err != nil {
		return false, err
	}
	shown := strings.Fields(string(out))
	if slices.Contains(shown, d.ImageFullName(img)) {
		return true, nil
	}
	// Docker shows an ID if the name of the container's image refers to another image
	// now.
	id, err := dockercmd.Run(ctx, "image", "inspect", "--format", "{{.Id}}", d.ImageFullName(img))
	is := strings.TrimSpace(string(id))
	return err == nil && strings.HasPrefix(is, "sha256:") && slices.Contains(shown, is), nil
}

// loadImage loads an image into Docker. The function write writes the tarball of the
// image.
func loadImage(ctx context.Context, full string, write func(io.Writer) error) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		w.CloseWithError(err)
		written <- err
	}()
	_, loadErr := dockercmd.RunWith(ctx, r, "load")
	r.Close() // ends write if docker has ended first
	if err := <-written; err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	if loadErr != nil {
		return fmt.Errorf("load image %s: %w", full, loadErr)
	}
	return nil
}
