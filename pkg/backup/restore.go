package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/dockercmd"
)

// Restorer makes the data directory of a member from a snapshot.
type Restorer interface {
	// Restore reads the snapshot in file and writes the data into dir, which is
	// there and empty.  It ends with ctx.  ErrNoTool: it cannot on this host.
	Restore(ctx context.Context, file, dir string) error
}

// Docker restores with the program in the image of the etcd that runs here,
// without network or any right but to read the snapshot and to write the
// directory.
type Docker struct {
	// Image is used where etcd does not run.
	Image string
}

// trialName is the container's: one that was left behind is found by it.
const trialName = "neco-backup-trial"

// Exit codes of docker run: the program is not in the image.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// Restore implements Restorer.
func (d Docker) Restore(ctx context.Context, file, dir string) error {
	image := d.Image
	if id, err := dockercmd.Run(ctx, "inspect", "--type", "container", "--format", "{{.Image}}", neco.EtcdService); err == nil {
		image = strings.TrimSpace(string(id))
	}
	err := ErrNoTool
	// Before 3.5 etcdctl did it; since 3.6 it cannot.
	for _, tool := range []string{"etcdutl", "etcdctl"} {
		if !errors.Is(err, ErrNoTool) {
			break
		}
		err = restoreWith(ctx, "/usr/local/etcd/bin/"+tool, image, file, dir)
	}
	return err
}

func restoreWith(ctx context.Context, tool, image, file, dir string) error {
	if _, err := dockercmd.Run(ctx, "rm", "--force", trialName); err != nil {
		return err
	}
	_, err := dockercmd.Run(ctx, "run", "--name", trialName, "--rm", "--pull", "never", "--network", "none", "--read-only",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "0:0",
		"--mount", "type=bind,readonly,target=/snapshot.db,source="+file,
		"--mount", "type=bind,target=/restored,source="+dir,
		"--entrypoint", tool, image, "snapshot", "restore", "/snapshot.db", "--data-dir", "/restored/data")
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code := exit.ExitCode()
		if code == codeNotFound || code == codeNotExecutable || strings.Contains(err.Error(), "unknown flag: --data-dir") {
			return fmt.Errorf("%w: %s: %w", ErrNoTool, filepath.Base(tool), err)
		}
	}
	return err
}

// databaseIn is where a member has its database below its data directory.
const databaseIn = "data/member/snap/db"

// tryRestore restores the snapshot in file into dir, and compares what came of
// it with what the snapshot says.
func tryRestore(ctx context.Context, r Restorer, file, dir string, want Info) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return diskError(err)
	}
	defer os.RemoveAll(dir)
	if err := r.Restore(ctx, file, dir); err != nil {
		return fmt.Errorf("trial restore: %w", err)
	}
	got, err := readDatabase(filepath.Join(dir, databaseIn))
	if err != nil {
		return fmt.Errorf("trial restore: %w", err)
	}
	if got.Revision != want.Revision || got.Keys != want.Keys {
		return fmt.Errorf("trial restore: %d keys at revision %d have become %d at %d",
			want.Keys, want.Revision, got.Keys, got.Revision)
	}
	return nil
}
