//go:build sandbox || upgrade

package kills

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sandbox"
	"github.com/cybozu-go/neco/dctest/sandbox/docker"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestMain(m *testing.M) {
	if docker.Called(os.Args) { // the boot servers' docker is this program
		os.Exit(docker.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

const (
	// deadline bounds one update, which normally takes seconds.
	deadline = time.Minute
	// pacer is the LRN of a boot server that is registered but does not exist. The test
	// writes its statuses, and so controls when the other servers pass a barrier.
	pacer = 9
)

// build builds packages of n versions, the oldest first.
func build(t *testing.T, n int) []string {
	t.Helper()
	dir := t.TempDir()
	var versions, debs []string
	for i := range n {
		v := fmt.Sprintf("2026.01.01-%d", i+1)
		versions = append(versions, v)
		debs = append(debs, filepath.Join(dir, "neco_"+v+"_amd64.deb"))
	}
	cmd := exec.CommandContext(t.Context(), "../build-debs", append([]string{dir}, versions...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build packages: %v\n%s", err, out)
	}
	return debs
}

// centre is a data centre in a sandbox that has the pacer as a member.
type centre struct {
	*sandbox.Sandbox
	t *testing.T
}

func start(t *testing.T, deb string) *centre {
	t.Helper()
	s, err := sandbox.Start(t.Context(), sandbox.Options{
		Deb: deb, Registered: []int{pacer}, Config: map[string]string{"check-update-interval": "1s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &centre{s, t}
}

// await waits until the state in etcd satisfies cond, and returns it.
func (c *centre) await(what string, cond func(*storage.Snapshot) bool) *storage.Snapshot {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), deadline)
	defer cancel()
	f := c.Storage().Follow(ctx)
	defer f.Close()
	for {
		if s := f.Snapshot(); s != nil && cond(s) {
			return s
		}
		select {
		case <-f.Wake():
		case <-ctx.Done():
			for lrn := range 3 {
				c.t.Logf("boot server %d: %s", lrn, c.Tail(lrn, sandbox.WorkerUnit, 20))
			}
			s := f.Snapshot()
			c.t.Fatalf("%s: not within %s; request %+v, statuses %+v", what, deadline, s.Request, s.Statuses)
		}
	}
}

// pace writes the status of the pacer.
func (c *centre) pace(s *storage.Snapshot, a update.Arrival, cond neco.UpdateCondition) {
	c.t.Helper()
	st := update.Status{StartedAt: &s.Request.StartedAt, Phase: a.Phase}
	st.Version, st.Step, st.Cond = s.Request.Version, a.Step, cond
	if _, err := c.Storage().PutStatus(c.t.Context(), storage.Guard{LRN: pacer, AnyRequest: true}, pacer, st); err != nil {
		c.t.Fatal(err)
	}
}

// complete lets the run complete by writing the pacer's statuses, and waits for that.
func (c *centre) complete(s *storage.Snapshot) *storage.Snapshot {
	c.t.Helper()
	c.pace(s, update.Arrival{Step: steps.Table().Last()}, neco.CondComplete)
	return c.await("complete", func(s *storage.Snapshot) bool {
		if s.Request.Stop {
			c.t.Fatalf("the run was stopped: %s", s.Request.Reason)
		}
		return s.Complete()
	})
}

func (c *centre) kill(lrn int) {
	c.t.Helper()
	if err := c.Kill(lrn, sandbox.WorkerUnit, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
}

// arrivals returns the barriers of an update at which a worker is killed: all but the
// first.
func arrivals() []update.Arrival {
	var as []update.Arrival
	for _, s := range steps.Table() {
		for _, a := range s.Actions {
			at := update.Arrival{Step: s.N, Phase: a.Phase}
			if at != (update.Arrival{}) && (len(as) == 0 || as[len(as)-1] != at) {
				as = append(as, at)
			}
		}
	}
	return as
}

// TestAWorkerKilledAtAStepResumes runs one update for each step. It kills one worker
// that waits at the barrier of the step, and a second worker that starts the step. Each
// update must complete without a command of an operator.
func TestAWorkerKilledAtAStepResumes(t *testing.T) {
	places := arrivals()
	debs := build(t, len(places)+1)
	c := start(t, debs[0])
	first := c.await("first request", func(s *storage.Snapshot) bool { return s.Request != nil })
	c.complete(first)
	for i, place := range places {
		passed := t.Run(fmt.Sprintf("step %s", place), func(t *testing.T) {
			c := &centre{c.Sandbox, t}
			version, err := c.Publish(debs[i+1], false)
			if err != nil {
				t.Fatal(err)
			}
			s := c.await("request", func(s *storage.Snapshot) bool { return s.Request.Version == version })
			// The pacer is one barrier behind place, so all others wait
			// there.
			behind := update.Arrival{}
			if i > 0 {
				behind = places[i-1]
			}
			c.pace(s, behind, neco.CondRunning)
			s = c.await("all wait at the step", func(s *storage.Snapshot) bool {
				missing := s.Missing(place)
				return len(missing) == 1 && missing[0] == pacer
			})
			waiting, starting := i%3, (i+1)%3
			began := time.Now()
			c.kill(waiting)
			c.pace(s, place, neco.CondRunning)
			c.kill(starting)
			c.complete(s)
			t.Logf("killed %d waiting at and %d starting step %s; complete %s later",
				waiting, starting, place, time.Since(began).Round(time.Millisecond))
			if _, err := c.Prove(t.Context(), version); err != nil {
				t.Error(err)
			}
		})
		if !passed {
			return // the next update could not start
		}
	}
	has, err := c.Contents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(has.Templates) == 0 || !strings.HasSuffix(debs[len(debs)-1], "_"+has.Templates[len(has.Templates)-1]+"_amd64.deb") {
		t.Errorf("the last ignition template is not that of the last package: %v", has.Templates)
	}
	for _, name := range neco.SabakanImages {
		if !slices.ContainsFunc(has.Assets, func(asset string) bool { return strings.HasPrefix(asset, "cybozu-"+name+"-") }) {
			t.Errorf("sabakan has no image %s: %v", name, has.Assets)
		}
	}
	runs, _, err := c.Storage().History(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, r := range runs {
		if r.Result == storage.ResultComplete {
			done++
		}
	}
	if len(runs) != len(places)+1 || done < len(places) { // the last run may not have ended yet
		t.Errorf("%d runs, %d complete, want %d", len(runs), done, len(places)+1)
	}
}
