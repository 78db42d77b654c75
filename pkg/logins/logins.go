package logins

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/host"
)

// The programs and files of sshd and sudo.
const (
	sshd       = "/usr/sbin/sshd"
	sshService = "ssh"
	sshDir     = "/etc/ssh"
	sshDropIn  = sshDir + "/sshd_config.d/neco.conf"
	visudo     = "/usr/sbin/visudo"
	sudoDropIn = "/etc/sudoers.d/cybozu"
)

var (
	//go:embed files/neco.conf
	sshText []byte
	//go:embed files/cybozu
	sudoText []byte
)

// ErrRefused reports that sshd or visudo refuses a file. Nothing was replaced.
var ErrRefused = errors.New("nothing was replaced")

// toolTimeout is how long sshd or visudo may take to check a file.
const toolTimeout = 30 * time.Second

// Server is the boot server on which people log in.
type Server struct {
	FS host.FS
	// Reload makes the service called name read its configuration again, if it is running.
	Reload func(ctx context.Context, name string) error
}

// Sudo lets the group sudo use sudo without a password. It keeps an existing file. The
// note says why the file was not written; it is empty if the file exists afterwards.
func (s Server) Sudo(ctx context.Context) (note string, err error) {
	if here, err := s.FS.Exists(visudo); err != nil || !here {
		return "no sudo here", err
	}
	// Lstat, because a link without a target is an operator's decision, too.
	if _, err := os.Lstat(s.FS.Path(sudoDropIn)); !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	dir, err := s.tempDir()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, filepath.Base(sudoDropIn))
	if err := os.WriteFile(file, sudoText, 0o440); err != nil {
		return "", err
	}
	if out, err := s.run(ctx, visudo, "-c", "-f", file); err != nil {
		return "", fmt.Errorf("visudo refuses %s: %w: %s", sudoDropIn, ErrRefused, strings.ReplaceAll(out, file, sudoDropIn))
	}
	_, err = s.FS.Write(host.File{Path: sudoDropIn, Data: sudoText, Mode: 0o440})
	return "", err
}

// run runs a program of the host that changes nothing, and returns the last lines of its
// output.
func (s Server) run(ctx context.Context, program string, args ...string) (string, error) {
	out, err := s.output(ctx, program, args...)
	return errtext.LastLines(string(out)), err
}

func (s Server) output(ctx context.Context, program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, toolTimeout, fmt.Errorf("it takes longer than %s", toolTimeout))
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, s.FS.Path(program), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return out.Bytes(), err
}

// tempDir creates a directory for files to be checked. The caller removes it.
func (s Server) tempDir() (string, error) {
	if err := s.FS.MakeDir(host.Dir{Path: "/run/neco", Mode: 0o755}); err != nil {
		return "", err
	}
	return os.MkdirTemp(s.FS.Path("/run/neco"), "logins-")
}
