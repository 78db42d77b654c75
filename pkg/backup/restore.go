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
	"github.com/cybozu-go/neco/pkg/program"
)

// Restorer restores the data directory of an etcd member from a snapshot.
type Restorer interface {
	// Restore restores the decrypted snapshot file into the existing, empty directory
	// dir. It blocks until that is done or ctx ends. If no program on this host can
	// restore a snapshot, it returns ErrNoTool.
	Restore(ctx context.Context, file, dir string) error
}

// Docker is a Restorer that runs the restore program in the image of this server's
// etcd. The container has no network and no capabilities; it can only read the snapshot
// and write to the data directory.
type Docker struct {
	// Image is the image that is used while etcd is not running.
	Image string
}

// trialName is the name of the container of a trial restore. By this name, a trial
// restore finds and removes the container that an interrupted earlier one has left.
const trialName = "neco-backup-trial"

// These constants are the exit codes of docker run if the image does not contain the
// program.
const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// Restore implements Restorer.
func (d Docker) Restore(ctx context.Context, file, dir string) error {
	image := d.Image
	for _, name := range program.ContainerNames(neco.EtcdService) {
		if id, err := dockercmd.Run(ctx, "inspect", "--type", "container", "--format", "{{.Image}}", name); err == nil {
			image = strings.TrimSpace(string(id))
			break
		}
	}
	err := ErrNoTool
	// etcdutl exists since etcd 3.5; etcdctl cannot restore since 3.6.
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

// databaseIn is the path of the database, relative to the data directory of an etcd
// member.
const databaseIn = "data/member/snap/db"

// tryRestore restores the snapshot file to the new directory dir, and returns an error
// unless the revision and the number of keys equal those in want. Then it removes dir.
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
		return fmt.Errorf("trial restore: the snapshot has %d keys at revision %d, the restored database has %d at %d",
			want.Keys, want.Revision, got.Keys, got.Revision)
	}
	return nil
}
