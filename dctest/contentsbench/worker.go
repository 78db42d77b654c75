package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

// workerCommand is the first argument of the process that does the worker's part.
const workerCommand = "worker"

// work uploads the images of nodes as neco-worker does in step 14 of an update: with the
// same cache and the same functions. Then it prints the peak resident memory of this process
// in bytes.
func work(ctx context.Context, args []string) (err error) {
	var root, registry, url, profile string
	flags := flag.NewFlagSet(workerCommand, flag.ExitOnError)
	flags.StringVar(&root, "root", "", "file system of the boot server")
	flags.StringVar(&registry, "registry", "", "address of the registry")
	flags.StringVar(&url, "sabakan", "", "URL of sabakan")
	flags.StringVar(&profile, "profile", "", "file for a CPU profile")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	containers, err := steps.Real(root, nil, slog.New(slog.DiscardHandler)).Containers(storage.Config{})
	if err != nil {
		return err
	}
	c := sabakan.New(url)
	defer c.Close()
	u := contents.Uploader{FS: host.FS{Root: root}, Artifacts: neco.ArtifactSet{Images: imagesAt(registry)}, Sabakan: c, Images: containers}
	if err := u.Assets(ctx); err != nil {
		return err
	}
	peak, err := peakMemory()
	if err == nil {
		fmt.Println(peak)
	}
	return err
}

// highWater matches the line of /proc/self/status with the peak resident memory of the
// process in KiB.
var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory returns the peak resident memory of this process in bytes.
func peakMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	m := highWater.FindSubmatch(status)
	if m == nil {
		return 0, errors.New("/proc/self/status has no line VmHWM")
	}
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	return kib << 10, err
}

// startWorker runs the worker's part in a process of its own, and returns the peak resident
// memory of that process in bytes, and its CPU time.
func (b *bench) startWorker(ctx context.Context, dir, url, profile string) (peak int64, cpu time.Duration, err error) {
	cmd := exec.CommandContext(ctx, b.self, workerCommand, "-root="+dir, "-registry="+b.registry.address, "-sabakan="+url, "-profile="+profile)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("worker: %w", errors.Join(err, context.Cause(ctx)))
	}
	peak, err = strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	return peak, cpuTime(cmd), err
}
