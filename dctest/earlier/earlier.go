// Package earlier builds the Debian package of an earlier commit, from which a test updates
// a data centre. It is for tests only.
package earlier

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Package builds the package of the given version from the files of a commit of the
// repository root, writes it to the directory dir, and returns its path. Packages that were
// built before are cached as for every other package. It fails if the repository does not
// contain the commit.
func Package(ctx context.Context, root, commit, version, dir string) (string, error) {
	source, err := os.MkdirTemp("", "neco-earlier-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(source)
	const script = `git -C "$1" archive "$2" | tar -x -C "$3" && "$3/debian/build" "$4" "$5"`
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script, "bash", root, commit, source, dir, version)
	cmd.Env = append(os.Environ(), NoDigests(root))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the package of commit %s (a shallow clone does not contain it; git fetch --unshallow fetches it): %w: %s", commit, err, out)
	}
	return filepath.Join(dir, "neco_"+version+"_amd64.deb"), nil
}

// NoDigests returns the variable, for the environment of debian/build, with which a package
// of the repository root has no digests of artifacts. The simulated internet has other
// images and files than those of the digests.
func NoDigests(root string) string {
	return "NECO_DIGESTS=" + filepath.Join(root, "dctest", "no-digests.txt")
}
