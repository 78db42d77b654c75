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

// groupRoot is the directory at which the control groups of this machine are mounted.
const groupRoot = "/sys/fs/cgroup"

// removeGroups removes the empty control groups below root that belong to the
// containers with the given IDs. It keeps groups with a process. A server's inner
// Docker leaves groups docker-….scope behind if its unit was masked while containers
// ran.
func removeGroups(root string, ids []string) error {
	var groups []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the group was removed meanwhile
		}
		if err == nil && d.IsDir() && ofContainer(p, ids) {
			groups = append(groups, p)
		}
		return err
	})
	if err != nil {
		return err
	}
	slices.Reverse(groups) // children first
	var errs []error
	for _, p := range groups {
		err := syscall.Rmdir(p)
		if err != nil && !slices.Contains([]error{syscall.EBUSY, syscall.ENOTEMPTY, syscall.ENOENT}, err) {
			errs = append(errs, &os.PathError{Op: "rmdir", Path: p, Err: err})
		}
	}
	return errors.Join(errs...)
}

// ofContainer reports whether the path p is the control group of one of the containers,
// or below that group. The group is called …/docker/ID or, with Docker's systemd driver,
// …/docker-ID.scope.
func ofContainer(p string, ids []string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if slices.Contains(ids, strings.TrimSuffix(strings.TrimPrefix(part, "docker-"), ".scope")) {
			return true
		}
	}
	return false
}
