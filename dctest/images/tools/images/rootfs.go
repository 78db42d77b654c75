package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rootfs builds the root file system of a machine of a kind, boot or node, unless the cache has it
// for the same inputs, and returns its path.
func (b builder) rootfs(ctx context.Context, source, kind string) (string, error) {
	dir := filepath.Join(source, "dctest", "images", "rootfs")
	script, err := keyOfFile(filepath.Join(dir, "build"))
	if err != nil {
		return "", err
	}
	files, err := keyOfDir(filepath.Join(dir, kind))
	if err != nil {
		return "", err
	}
	packages, err := os.ReadFile(filepath.Join(source, "installer", "setup", "packages"))
	if err != nil {
		return "", err
	}
	if kind != "boot" {
		packages = nil // they are in its directory
	}
	return b.cache.make("rootfs", kind, keyOf(script, files, string(packages)), ".tar", "about a minute", func(tmp string) error {
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "build"), kind, tmp).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}
