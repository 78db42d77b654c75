package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
)

const cranePackage = "github.com/google/go-containerregistry/cmd/crane"

// repository returns the directory of Neco's repository, from which this program is built.
func repository() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return "", errors.New("the directory of the repository is unknown")
	}
	return filepath.Join(filepath.Dir(file), "..", ".."), nil
}

// buildCrane builds crane, at the version in tools/go.mod, into the file binary.
func buildCrane(ctx context.Context, binary string) error {
	dir, err := repository()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-modfile=tools/go.mod", "-o", binary, cranePackage)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build crane: %w: %s", errors.Join(err, context.Cause(ctx)), out)
	}
	return nil
}

// craneAndCurl uploads the images with crane and curl, atATime of them at the same time. A file in dir is between them,
// because sabakan takes no upload of an unknown length. It returns the CPU time of all
// processes.
func (b *bench) craneAndCurl(ctx context.Context, dir, url string) (time.Duration, error) {
	var cpu atomic.Int64
	command := func(ctx context.Context, name string, args ...string) error {
		used, err := runCommand(ctx, name, args...)
		cpu.Add(int64(used))
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.atATime)
	for _, img := range imagesAt(b.registry.address) {
		g.Go(func() error {
			file := filepath.Join(dir, img.Name)
			if err := command(ctx, b.crane, "pull", "--platform=linux/"+runtime.GOARCH, img.FullName(false), file); err != nil {
				return err
			}
			err := command(ctx, b.curl, "-sS", "--fail", "--noproxy", "*", "-H", "Content-Type: application/octet-stream", "-T", file, url+"/api/v1/assets/"+asset(img))
			return errors.Join(err, os.Remove(file))
		})
	}
	err := g.Wait()
	return time.Duration(cpu.Load()), err
}

// asset returns the name of an asset of img.
func asset(img neco.ContainerImage) string { return img.Name + "-" + img.Tag }

// runCommand runs a command and returns its CPU time. The error contains its output.
func runCommand(ctx context.Context, name string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w: %s", filepath.Base(name), errors.Join(err, context.Cause(ctx)), out)
	}
	return cpuTime(cmd), nil
}

// cpuTime returns the CPU time of a command that has ended.
func cpuTime(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
