package placemat

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// groupRoot is where the control groups of this machine are.
const groupRoot = "/sys/fs/cgroup"

// removeGroups removes the empty control groups of the containers with these ids
// below root, with those inside of them.  The Docker within a server leaves groups
// docker-….scope behind where it was masked while containers ran.  A group that
// has a process stays.
func removeGroups(root string, ids []string) error {
	var groups []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it has ended meanwhile
		}
		if err == nil && d.IsDir() && ofContainer(p, ids) {
			groups = append(groups, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(groups) // what is inside comes first
	var errs []error
	for _, p := range groups {
		err := syscall.Rmdir(p)
		if err != nil && !slices.Contains([]error{syscall.EBUSY, syscall.ENOTEMPTY, syscall.ENOENT}, err) {
			errs = append(errs, &os.PathError{Op: "rmdir", Path: p, Err: err})
		}
	}
	return errors.Join(errs...)
}

// ofContainer reports whether p is the group of one of the containers, or inside
// of it: …/docker/ID, or …/docker-ID.scope with Docker's systemd driver.
func ofContainer(p string, ids []string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if slices.Contains(ids, strings.TrimSuffix(strings.TrimPrefix(part, "docker-"), ".scope")) {
			return true
		}
	}
	return false
}
