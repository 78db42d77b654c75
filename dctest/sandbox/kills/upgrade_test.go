//go:build upgrade

package kills

import (
	"flag"
	"fmt"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/earlier"
	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

var from = flag.String("from", "", "the commit that the data centre runs before the update")

// run is a managed program on a boot server: its process, and the digest of the files and
// the image with which it was started.
type run struct {
	pid    int
	digest string
}

// runs returns the managed programs on the boot servers. It leaves out the program that
// sets serf's tags, which a timer starts again and again.
func (c *centre) runs() map[string]run {
	c.t.Helper()
	all := map[string]run{}
	for _, lrn := range c.Servers() {
		srv, err := c.Server(lrn)
		if err != nil {
			c.t.Fatal(err)
		}
		for unit, name := range map[string]string{neco.SerfService: program.Serf, neco.PromtailService: program.Promtail} {
			a, err := component.ReadApplied(host.FS{Root: srv.Root}, name)
			if err != nil {
				c.t.Fatal(err)
			}
			all[fmt.Sprintf("%s on %d", unit, lrn)] = run{srv.MainPID(unit + ".service"), a.Digest}
		}
	}
	return all
}

// TestADataCentreOfAnEarlierVersionIsUpdated runs one update from an earlier version
// for each step. It kills one worker that waits at the barrier of the step, and another
// worker that starts the step. neco-worker must read the records of the earlier version, so
// that only programs restart whose files or image differ, and write them in the new form.
func TestADataCentreOfAnEarlierVersionIsUpdated(t *testing.T) {
	if *from == "" {
		t.Fatal("give -args -from=COMMIT")
	}
	old, err := earlier.Package(t.Context(), sandboxtest.Root(t), *from, "2025.01.01-1", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	next := build(t, 1)[0]
	for i, place := range arrivals() {
		t.Run(fmt.Sprintf("step %s", place), func(t *testing.T) {
			c := start(t, old)
			c.complete(c.await("first request", func(s *storage.Snapshot) bool { return s.Request != nil }))
			before := c.runs()
			version, err := c.Publish(next, false)
			if err != nil {
				t.Fatal(err)
			}
			s := c.await("request", func(s *storage.Snapshot) bool { return s.Request.Version == version })
			behind := update.Arrival{}
			if i > 0 {
				behind = arrivals()[i-1]
			}
			c.pace(s, behind, neco.CondRunning)
			s = c.await("all wait at the step", func(s *storage.Snapshot) bool {
				missing := s.Missing(place)
				return len(missing) == 1 && missing[0] == pacer
			})
			c.kill(i % 3)
			c.pace(s, place, neco.CondRunning)
			c.kill((i + 1) % 3)
			c.complete(s)
			if _, err := c.Prove(t.Context(), version); err != nil {
				t.Error(err)
			}
			for name, now := range c.runs() {
				was := before[name]
				if restarted, differs := now.pid != was.pid, now.digest != was.digest; restarted != differs {
					t.Errorf("%s: restarted: %t, its files or image differ: %t; before %+v, after %+v", name, restarted, differs, was, now)
				}
			}
			for _, lrn := range c.Servers() {
				srv, err := c.Server(lrn)
				if err != nil {
					t.Fatal(err)
				}
				if a, err := component.ReadApplied(host.FS{Root: srv.Root}, program.Serf); err != nil || a.Version == "" {
					t.Errorf("boot server %d: record %+v, %v", lrn, a, err)
				}
			}
		})
	}
}
