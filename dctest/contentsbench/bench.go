package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/dctest/sabakantest"
)

// options are the flags of this program.
type options struct {
	// mib is the size of all images in MiB.
	mib    int64
	rounds int
	// atATime is the number of images that crane and curl process at the same time.
	atATime int
	cache   string
	profile string
}

// bench is what all rounds use.
type bench struct {
	options
	self, crane, curl string
	registry          *registryProcess
	// total is the size of all blobs in bytes.
	total int64
	// dir is the directory of temporary files.
	dir string
}

// measured is the result of one upload of all images.
type measured struct {
	took time.Duration
	// cpu is the CPU time of the worker, or of all processes of crane and curl.
	cpu time.Duration
	// downloaded and uploaded are in bytes, counted by the registry and by sabakan.
	downloaded, uploaded int64
}

// round is the result of one round.
type round struct {
	neco, crane measured
	// peak is the peak resident memory of the worker in bytes, in both uploads.
	peak int64
	// again is the second upload of the worker to the same sabakan.
	again measured
}

// run measures, prints the results to out, and returns an error if one of the conditions in
// the description of this program does not hold.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	if o.mib < minMiB || o.rounds < 1 || o.atATime < 1 {
		return fmt.Errorf("-size must be at least %d, -rounds and -at-a-time at least 1", minMiB)
	}
	b := &bench{options: o}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if b.curl, err = exec.LookPath("curl"); err != nil {
		return fmt.Errorf("curl is missing here; on Debian and Ubuntu: apt-get install curl (%w)", err)
	}
	images, total, err := cachedImages(o.cache, o.mib*mib)
	if err != nil {
		return err
	}
	b.total = total
	if b.dir, err = os.MkdirTemp(o.cache, "run-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.crane = filepath.Join(b.dir, "crane")
	if err := buildCrane(ctx, b.crane); err != nil {
		return err
	}
	if b.registry, err = startRegistry(b.self, images); err != nil {
		return err
	}
	defer b.registry.stop()
	var rounds []round
	for n := range o.rounds {
		r, err := b.round(ctx, n)
		if err != nil {
			return fmt.Errorf("round %d: %w", n+1, err)
		}
		rounds = append(rounds, r)
	}
	printRounds(out, total, rounds)
	return fast(rounds)
}

// round measures both ways once. The order alternates with n. It returns an error if a way
// fails or breaks a condition; it then does not measure the other way.
func (b *bench) round(ctx context.Context, n int) (r round, err error) {
	ways := []func() error{
		func() error {
			return named("neco-worker", b.measure(ctx, func(m measure) error { return b.worker(ctx, m, n, &r) }))
		},
		func() error {
			return named("crane, curl", b.measure(ctx, func(m measure) (err error) {
				r.crane, err = m.one(ctx, func() (time.Duration, error) { return b.craneAndCurl(ctx, m.dir, m.url) })
				return cmp.Or(err, once(r.crane, b.total))
			}))
		},
	}
	return r, inOrder(ways[n%2], ways[(n+1)%2])
}

// named returns err, an error of the given way, with the name of that way.
func named(way string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", way, err)
}

// worker measures the worker's way in round n: its upload, and another one to the same
// sabakan.
func (b *bench) worker(ctx context.Context, m measure, n int, r *round) (err error) {
	profile := ""
	if n == b.rounds-1 {
		profile = b.profile
	}
	upload := func(profile string) (measured, error) {
		return m.one(ctx, func() (time.Duration, error) {
			peak, cpu, err := b.startWorker(ctx, m.dir, m.url, profile)
			r.peak = max(r.peak, peak)
			return cpu, err
		})
	}
	if r.neco, err = upload(profile); err != nil {
		return err
	}
	if err := errors.Join(once(r.neco, b.total), small(r.peak)); err != nil {
		return err
	}
	if r.again, err = upload(""); err != nil {
		return err
	}
	return errors.Join(nothing(r.again), small(r.peak))
}

// measure is a sabakan without assets, and an empty directory.
type measure struct {
	b        *bench
	dir, url string
}

// measure calls f with a new sabakan and an empty directory, and removes both.
func (b *bench) measure(ctx context.Context, f func(m measure) error) error {
	sabakanDir, dir := filepath.Join(b.dir, "sabakan"), filepath.Join(b.dir, "host")
	if err := errors.Join(os.Mkdir(sabakanDir, 0o755), os.Mkdir(dir, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(sabakanDir)
	defer os.RemoveAll(dir)
	url, stop, err := sabakantest.Launch(ctx, sabakanDir)
	if err != nil {
		return err
	}
	defer stop()
	return f(measure{b, dir, url})
}

// one measures f, which returns its CPU time. It writes what others have left in memory to the
// disk first.
func (m measure) one(ctx context.Context, f func() (time.Duration, error)) (measured, error) {
	syscall.Sync()
	before, err := m.counts(ctx)
	if err != nil {
		return measured{}, err
	}
	begin := time.Now()
	cpu, err := f()
	if err != nil {
		return measured{}, err
	}
	took := time.Since(begin)
	after, err := m.counts(ctx)
	return measured{took, cpu, after.downloaded - before.downloaded, after.uploaded - before.uploaded}, err
}

// counts returns what the registry has sent and what sabakan has received so far.
func (m measure) counts(ctx context.Context) (measured, error) {
	sent, err := m.b.registry.sent(ctx)
	if err != nil {
		return measured{}, err
	}
	received, err := sabakantest.Received(ctx, m.url)
	if err != nil {
		return measured{}, err
	}
	c := measured{downloaded: sent}
	for _, u := range received {
		c.uploaded += u.Bytes
	}
	return c, nil
}
