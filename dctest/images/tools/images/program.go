package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// builder builds the items of the table.
type builder struct {
	cache cache
	// tools is the directory that contains the modules of the programs.
	tools string
	// own is a digest of this program's own source.
	own string
}

// key returns a digest of everything from which a program is built.
func (b builder) key(p program) (string, error) {
	var keys []string
	for _, part := range []string{"go.mod", "go.sum", "internal", p.Package} {
		dir := filepath.Join(b.tools, p.Module, part)
		if _, err := os.Stat(dir); err != nil {
			continue // not every module has all of them
		}
		k, err := keyOfDir(dir)
		if err != nil {
			return "", err
		}
		keys = append(keys, part+k)
	}
	return keyOf(p.Module, p.Package, p.Tags, keys), nil
}

// program builds a statically linked program, unless the cache has it for the same
// inputs, and returns its path and key.
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
