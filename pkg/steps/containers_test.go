package steps

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/pkg/worker"
)

// slow is a fake Docker in which more containers run from time to time.
type slow struct {
	began time.Time
	after map[string]time.Duration
}

func (s slow) Names(context.Context) (names []string, err error) {
	for name, d := range s.after {
		if time.Since(s.began) >= d {
			names = append(names, name)
		}
	}
	return names, nil
}

func (slow) Proxies(context.Context) (http, https string, err error) { return "", "", nil }

func TestContainersOfOthersAreAwaitedForALimitedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHost(Options{Docker: slow{time.Now(), map[string]time.Duration{"serf": 0, "unbound": time.Minute, "by-hand": time.Hour}}})
		for _, tt := range []struct {
			names, missing []string
			took           time.Duration
		}{
			{[]string{"serf", "unbound"}, nil, time.Minute},
			{[]string{"serf", "by-hand"}, []string{"by-hand"}, containersLimit},
		} {
			began := time.Now()
			missing, err := h.missingContainers(t.Context(), worker.Target{}, tt.names)
			if err != nil || !slices.Equal(missing, tt.missing) {
				t.Errorf("%q: missing %q, %v", tt.names, missing, err)
			}
			if took := time.Since(began).Round(time.Second); took != tt.took {
				t.Errorf("%q took %s", tt.names, took)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if missing, err := h.missingContainers(ctx, worker.Target{}, []string{"by-hand"}); err == nil {
			t.Errorf("the action was cancelled: missing %q", missing)
		}
	})
}
