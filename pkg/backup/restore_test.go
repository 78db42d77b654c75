package backup_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/backup"
)

// dockerWith is a docker command that has one container, the value of CONTAINER, and writes
// the arguments of docker run to LOG.
const dockerWith = `#!/bin/sh
case $1 in
inspect)
    for name; do :; done
    [ "$name" = "$CONTAINER" ] || exit 1
    echo sha256:running ;;
run) echo "$*" >"$LOG" ;;
esac
`

func TestASnapshotIsRestoredByTheImageOfTheRunningMember(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(dockerWith), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "log")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("LOG", log)
	for container, image := range map[string]string{
		"etcd":           "sha256:running",
		"etcd-container": "sha256:running", // the name in earlier versions of Neco
		"vault":          "quay.io/cybozu/etcd:1",
	} {
		t.Setenv("CONTAINER", container)
		if err := (backup.Docker{Image: "quay.io/cybozu/etcd:1"}).Restore(t.Context(), "/snapshot", "/dir"); err != nil {
			t.Fatal(err)
		}
		args, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(args), " "+image+" snapshot restore ") {
			t.Errorf("%s runs: docker %s", container, args)
		}
	}
}
