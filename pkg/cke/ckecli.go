package cke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

const (
	// timeout is how long a call of ckecli may take before it is killed. It normally
	// takes less than a second.
	timeout = 30 * time.Second
	// killDelay is how long a call waits for descendants of a killed ckecli that hold
	// its output.
	killDelay = time.Second
	// maxOutput is the maximum size in bytes of the output of ckecli. Its largest
	// output is the template.
	maxOutput = 16 << 20
)

// Ckecli runs ckecli. It is safe for concurrent use.
type Ckecli struct {
	// Program and Config are the paths of ckecli and of CKE's configuration.
	Program, Config string
	// Timeout bounds each call.
	Timeout time.Duration
}

var _ Templates = Ckecli{}

// New returns a Ckecli that runs the ckecli of the host whose file system is fs.
func New(fs host.FS) Ckecli { return At(fs, neco.CKECLIBin) }

// At returns a Ckecli that runs the ckecli at the path program of the host whose file system is
// fs.
func At(fs host.FS, program string) Ckecli {
	file, err := fs.Follow(program)
	if err != nil {
		file = fs.Path(program) // each call then fails
	}
	return Ckecli{Program: file, Config: fs.Path(neco.CKEConfFile), Timeout: timeout}
}

// Images returns the full names of the images that this version of CKE uses. It needs
// neither a configuration nor etcd.
func (c Ckecli) Images(ctx context.Context) ([]string, error) {
	const op = "images"
	out, err := c.run(ctx, nil, op)
	if err != nil {
		return nil, err
	}
	images := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for _, image := range images {
		tag, err := name.NewTag(image, name.StrictValidation)
		if err != nil || tag.Name() != image {
			return nil, &Error{Op: op, Err: fmt.Errorf("prints %.100q, which is not the full name of an image", image)}
		}
	}
	return images, nil
}

// Template returns the stored template as YAML, or ErrNotFound if none is stored.
func (c Ckecli) Template(ctx context.Context) ([]byte, error) {
	const op = "sabakan get-template"
	out, err := c.run(ctx, nil, op)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := yaml.UnmarshalStrict(out, &doc); err != nil {
		return nil, &Error{Op: op, Err: fmt.Errorf("prints no template: %w", err)}
	}
	if len(doc) == 0 { // no output, or null
		return nil, &Error{Op: op, Err: ErrNotFound}
	}
	return out, nil
}

// SetTemplate replaces the stored template. Because ckecli reads templates only from a
// file, SetTemplate writes a temporary file that only its user can read, and removes
// it.
func (c Ckecli) SetTemplate(ctx context.Context, template []byte) (err error) {
	f, err := os.CreateTemp("", "neco-cke-template-") // mode 0600
	if err != nil {
		return fmt.Errorf("set the template of CKE: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(template)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set the template of CKE: %w", err)
	}
	_, err = c.run(ctx, nil, "sabakan set-template", f.Name())
	return err
}

// SetSSHKey stores key, a private key in PEM, with which CKE logs in to nodes. ckecli
// stores it in Vault.
func (c Ckecli) SetSSHKey(ctx context.Context, key []byte) error {
	_, err := c.run(ctx, key, "vault ssh-privkey -")
	return err
}

// run runs op, a command of ckecli, with stdin as its standard input, and returns its
// standard output. The end of ctx or of the timeout kills ckecli with its descendants.
func (c Ckecli) run(ctx context.Context, stdin []byte, op string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.Timeout, fmt.Errorf("does not end within %s: %w", c.Timeout, context.DeadlineExceeded))
	defer cancel()
	stdout, stderr := limited{max: maxOutput}, limited{max: maxErrorText, drop: true}
	words := append([]string{"--config=" + c.Config}, strings.Fields(op)...)
	cmd := exec.CommandContext(ctx, c.Program, append(words, args...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = killDelay
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.data, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case stdout.full:
		err = fmt.Errorf("prints more than %d MiB", maxOutput>>20)
	}
	return nil, c.failure(op, string(stderr.data), err)
}

// limited is a buffer of at most max bytes. If drop is true, it drops further bytes;
// otherwise it returns an error for them, which ends the writing program.
type limited struct {
	data       []byte
	max        int
	drop, full bool
}

var errFull = errors.New("the output is too large")

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.max-len(l.data))
	l.data = append(l.data, p[:n]...)
	if n < len(p) {
		l.full = true
		if !l.drop {
			return n, errFull
		}
	}
	return len(p), nil
}
