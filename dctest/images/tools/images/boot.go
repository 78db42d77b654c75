package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// boot builds the root file system of a boot server, unless the cache has it for the same
// inputs, and returns its path.
func (b builder) boot(ctx context.Context, source string) (string, error) {
	dir := filepath.Join(source, "dctest", "images", "boot")
	files, err := keyOfDir(dir)
	if err != nil {
		return "", err
	}
	packages, err := os.ReadFile(filepath.Join(source, "installer", "setup", "packages"))
	if err != nil {
		return "", err
	}
	return b.cache.make("boot", "server", keyOf(files, string(packages)), ".tar", "about a minute", func(tmp string) error {
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "build"), tmp).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}
