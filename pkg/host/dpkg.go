package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/internal/errtext"
)

const (
	// installLog is the log file for the output of dpkg and of the packages' scripts.
	installLog = "/var/log/neco-install.log"

	// installLogMax is the size in bytes above which the log is truncated before the next
	// run of dpkg.
	installLogMax = 1 << 20

	// dpkgTimeout is how long one run of dpkg may take before it is terminated. A run
	// normally takes much less.
	dpkgTimeout = 15 * time.Minute

	// dpkgKillDelay is how long dpkg may take to end after SIGTERM before it is killed.
	dpkgKillDelay = 10 * time.Second
)

// errNoDpkg reports that this system has no dpkg.
var errNoDpkg = errors.New("dpkg is not installed here, and packages of Neco need it")

// command runs the program name, one of dpkg's programs, and returns its standard
// output. The program must not change anything.
func (p Packages) command(ctx context.Context, name string, args ...string) (string, error) {
	path, err := findSbin(name)
	if err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = dpkgEnv(), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, errtext.LastLines(stderr.String()))
	}
	return stdout.String(), nil
}

// dpkg runs dpkg to change the host and appends its output to the log. The caller must
// hold dpkg's frontend lock. The end of ctx does not interrupt dpkg, because that would
// leave a package half-installed.
func (p Packages) dpkg(ctx context.Context, args ...string) error {
	path, err := findSbin("dpkg")
	if err != nil {
		return err
	}
	log, err := p.openLog("dpkg " + strings.Join(args, " "))
	if err != nil {
		return err
	}
	defer log.Close()
	start, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dpkgTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append(p.flags(), args...)...)
	cmd.Env = dpkgEnv()
	cmd.Stdout, cmd.Stderr = log, log // a file, because a daemon started by a script may keep it open
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = dpkgKillDelay
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("dpkg: %w: %s", err, errtext.LastLines(tail(log, start)))
	}
	return nil
}

// flags returns the options of each dpkg run. If an operator has changed a
// configuration file, they make dpkg keep that file without asking.
func (p Packages) flags() []string {
	flags := []string{"--force-confdef", "--force-confold"}
	if !p.elsewhere() {
		return flags
	}
	return append(flags,
		"--root="+p.path("/"),
		"--log="+p.path("/var/log/dpkg.log"),
		"--force-not-root",
		"--force-script-chrootless",
		"--force-depends", // no other package is installed below that root
	)
}

// openLog opens installLog for appending, and writes a line with the current time and
// the text what.
func (p Packages) openLog(what string) (*os.File, error) {
	name := p.path(installLog)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	mode := os.O_APPEND
	if fi, err := os.Stat(name); err == nil && fi.Size() > installLogMax {
		mode = os.O_APPEND | os.O_TRUNC
	}
	log, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|mode, 0640)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "%s %s\n", time.Now().UTC().Format(time.RFC3339), what)
	return log, nil
}

// tail returns the last part, at most 4 KiB, of what was written to log after offset.
func tail(log *os.File, offset int64) string {
	const enough = 4096
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	offset = min(max(offset, end-enough), end)
	buf := make([]byte, end-offset)
	if _, err := log.ReadAt(buf, offset); err != nil {
		return err.Error()
	}
	return string(buf)
}

// sbin is a list of directories with dpkg and the programs that it calls. The PATH of
// unprivileged users often lacks them.
const sbin = "/usr/local/sbin:/usr/sbin:/sbin"

func dpkgEnv() []string {
	return append(os.Environ(),
		"PATH="+os.Getenv("PATH")+":"+sbin,
		"LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive",
		"DPKG_FRONTEND_LOCKED=1",
	)
}

func findSbin(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range filepath.SplitList(sbin) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", errNoDpkg
}
