package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// builder builds items of the table.
type builder struct {
	cache cache
	// tools is the directory of the modules.
	tools string
	// own is the key of this program.
	own string
}

// key is a digest of all that a program is built from.
func (b builder) key(p program) (string, error) {
	sources, err := keyOfDir(filepath.Join(b.tools, p.Module))
	return keyOf(p.Module, p.Package, p.Tags, sources), err
}

// program builds a static binary, if its inputs have changed, and returns its
// path and key.
func (b builder) program(ctx context.Context, p program) (string, string, error) {
	key, err := b.key(p)
	if err != nil {
		return "", "", err
	}
	file, err := b.cache.make("program", p.Name, key, "", p.Note, func(tmp string) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags="+p.Tags, "-ldflags=-s -w", "-o", tmp, p.Package)
		cmd.Dir = filepath.Join(b.tools, p.Module)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go build %s: %w\n%s", p.Package, err, out)
		}
		return nil
	})
	return file, key, err
}
