package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// rootfs builds the root file system of a machine of a kind, boot or node, unless the cache has it
// for the same inputs, and returns its path.
func (b builder) rootfs(ctx context.Context, source, kind string) (string, error) {
	dir := filepath.Join(source, "dctest", "images", "rootfs")
	packages := filepath.Join(dir, "node.packages")
	if kind == "boot" {
		packages = filepath.Join(source, "installer", "setup", "packages")
	}
	var keys []any
	for _, input := range []string{filepath.Join(dir, "build"), packages} {
		key, err := keyOfFile(input)
		if err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	for _, input := range []string{"common", kind} {
		key, err := keyOfDir(filepath.Join(dir, input))
		if err != nil {
			return "", err
		}
		keys = append(keys, key)
	}
	return b.cache.make("rootfs", kind, keyOf(keys...), ".tar", "about a minute", func(tmp string) error {
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "build"), kind, tmp).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}
