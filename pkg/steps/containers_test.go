package steps

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

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
