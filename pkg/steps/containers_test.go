package steps

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/worker"
)

// slow is a fake Docker in which more containers run from time to time.
type slow struct {
	began time.Time
	after map[string]time.Duration
}

func (s slow) RunningContainers(context.Context) (running []host.RunningContainer, err error) {
	for name, d := range s.after {
		if time.Since(s.began) >= d {
			running = append(running, host.RunningContainer{Name: name})
		}
	}
	return running, nil
}

func (slow) RestartsWithDocker(context.Context, string) (bool, error) { return false, nil }

func (slow) Proxies(context.Context) (http, https string, err error) { return "", "", nil }

// TestTheFormerNameOfAContainerIsItsName checks that dockerContainers returns etcd's container
// with its current name while the container still has its former name, and that the container
// is not missing when it later runs with the current name.
func TestTheFormerNameOfAContainerIsItsName(t *testing.T) {
	for _, name := range []string{"etcd", "etcd-container"} {
		units, _ := componenttest.New(t)
		h := NewHost(Options{Units: units, Docker: slow{time.Now(), map[string]time.Duration{name: 0}}})
		if returning, others, err := h.dockerContainers(t.Context()); err != nil || returning != nil || !slices.Equal(others, []string{"etcd"}) {
			t.Errorf("%s of an inactive unit: %q return, %q do not, %v", name, returning, others, err)
		}
		if err := units.Start(t.Context(), neco.EtcdService); err != nil {
			t.Fatal(err)
		}
		if returning, others, err := h.dockerContainers(t.Context()); err != nil || others != nil || !slices.Equal(returning, []string{"etcd"}) {
			t.Errorf("%s: %q return, %q do not, %v", name, returning, others, err)
		}
		// An earlier version of Neco has written the record.
		for _, recorded := range []string{"etcd", "etcd-container"} {
			r := dockerRestart{Containers: []string{recorded}}
			if missing, err := h.missingContainers(t.Context(), worker.Target{}, r); err != nil || missing != nil {
				t.Errorf("%s runs, %s ran before: %q is missing, %v", name, recorded, missing, err)
			}
		}
	}
}

func TestContainersOfOthersAreAwaitedForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHost(Options{Docker: slow{time.Now(), map[string]time.Duration{"serf": 0, "unbound": time.Minute, "broken": time.Hour}}})
		for _, tt := range []struct {
			returning, stopped, missing []string
			took                        time.Duration
		}{
			{[]string{"serf"}, []string{"by-hand"}, []string{"by-hand"}, 0},
			{[]string{"serf", "unbound"}, nil, nil, time.Minute},
			{[]string{"serf", "broken"}, []string{"by-hand"}, []string{"broken", "by-hand"}, containersLimit},
		} {
			began := time.Now()
			missing, err := h.missingContainers(t.Context(), worker.Target{}, dockerRestart{Containers: tt.returning, Stopped: tt.stopped})
			if err != nil || !slices.Equal(missing, tt.missing) {
				t.Errorf("%q: missing %q, %v", tt.returning, missing, err)
			}
			if took := time.Since(began).Round(time.Second); took != tt.took {
				t.Errorf("%q took %s", tt.returning, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if missing, err := h.missingContainers(ctx, worker.Target{}, dockerRestart{Containers: []string{"broken"}}); err == nil {
			t.Errorf("the action was cancelled: missing %q", missing)
		}
	})
}
