package toolset

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// cached returns the directory called name in the cache. If it does not exist, fill fills a
// temporary directory, which then gets that name: after an error, the cache has no such
// directory.
func (s stager) cached(name string, fill func(dir string) error) (string, error) {
	dir := filepath.Join(s.opts.Cache, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(s.opts.Cache, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(s.opts.Cache, "tmp-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := fill(tmp); err != nil {
		return "", err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	err = os.Rename(tmp, dir)
	if _, exists := os.Stat(dir); err != nil && exists == nil {
		return dir, nil // a concurrent run was faster
	}
	return dir, err
}
