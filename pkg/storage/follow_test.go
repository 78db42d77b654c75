package storage_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

const followDeadline = 30 * time.Second

// equalSnapshots reports whether two snapshots have the same contents, except for times.
var equalSnapshots = cmp.Options{
	cmpopts.IgnoreFields(update.State{}, "Revision"),
	cmpopts.IgnoreFields(storage.Heartbeat{}, "Since"), // a single read may have less information
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b error) bool {
		return errors.Is(a, b) || a != nil && b != nil && a.Error() == b.Error()
	}),
}

// followed are examples of all keys, with valid and invalid values.
func followed(t *testing.T) map[string][]string {
	keys := map[string][]string{
		"status/bootservers/0": {`{"version":"2026.11.21-1","step":1,"cond":1}`, `{"version":"2026.11.21-1","step":2,"cond":1}`, "x"},
		"info/bootservers/9":   {""},
		"info/bootservers/x":   {""},
		"bad-releases/":        {`{"reason":"r"}`},
		"config/stray":         {"x"},
		"leader/updater//2":    {"boot-1"},
		"history/x":            {"no part of a snapshot"},
		"vault-unseal-key":     {"no part of a snapshot"},
		"stray":                {"no part of a snapshot"},
	}
	for _, s := range storage.Samples(t) {
		keys[s.Key] = append([]string{s.Good, s.Good}, s.Bad...)
	}
	return keys
}

func TestAFollowerSeesWhatAReaderSees(t *testing.T) {
	for name, c := range map[string]struct {
		follow func(*storage.Storage, context.Context) *storage.Follower
		read   func(*storage.Storage, context.Context) (*storage.Snapshot, error)
	}{
		"what decides":      {(*storage.Storage).Follow, (*storage.Storage).Snapshot},
		"what status shows": {(*storage.Storage).FollowFull, (*storage.Storage).FullSnapshot},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStorage(t)
			ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
			defer cancel()
			f := c.follow(s, ctx)
			defer f.Close()
			change(t, s, followed(t))
			last := put(t, s, "info/neco-release", "2026.11.22-1")
			for f.Snapshot() == nil || f.Snapshot().Revision < last {
				select {
				case <-f.Wake():
				case <-ctx.Done():
					t.Fatal("the follower has not caught up")
				}
			}
			want, err := c.read(s, ctx)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, f.Snapshot(), equalSnapshots); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// change puts and deletes keys in random order.
func change(t *testing.T, s *storage.Storage, keys map[string][]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(keys))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		key := names[rng.IntN(len(names))]
		if rng.IntN(3) == 0 {
			if _, err := s.Client().Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, s, key, keys[key][rng.IntN(len(keys[key]))])
	}
}

// TestAFollowerOfWhatDecidesIsNotWokenByTheRest: a worker decides again whenever its
// follower wakes it, so other changes must not wake it.
func TestAFollowerOfWhatDecidesIsNotWokenByTheRest(t *testing.T) {
	s := newStorage(t)
	ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
	defer cancel()
	// wakes counts the wake-ups until f has reached the revision.
	wakes := func(f *storage.Follower, rev int64) (n int) {
		t.Helper()
		for f.Snapshot() == nil || f.Snapshot().Revision < rev {
			select {
			case <-f.Wake():
				n++
			case <-time.After(time.Millisecond):
			case <-ctx.Done():
				t.Fatal("the follower has not caught up")
			}
		}
		select {
		case <-f.Wake():
			n++
		default:
		}
		return n
	}
	deciding, full := s.Follow(ctx), s.FollowFull(ctx)
	defer deciding.Close()
	defer full.Close()
	first := put(t, s, storage.KeyRelease, "2026.11.21-1")
	wakes(deciding, first)
	wakes(full, first)
	got := map[*storage.Follower]int{}
	for range 5 {
		for _, key := range []string{"heartbeats/0", "backups/0", "certificates/0", "leader/worker//1"} {
			rev := put(t, s, key, "{}")
			got[deciding] += wakes(deciding, rev)
			got[full] += wakes(full, rev)
		}
	}
	// A follower signals after it has reached the revision, so one wake-up may belong
	// to the first key.
	if got[deciding] > 1 || got[full] < 10 {
		t.Errorf("woken %d times, that of status %d times", got[deciding], got[full])
	}
}

func TestAFollowerSurvivesCompaction(t *testing.T) {
	s := newStorage(t)
	ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
	defer cancel()
	for range 20 {
		rev := put(t, s, "info/neco-release", "2026.11.21-1")
		if _, err := s.Client().Compact(ctx, rev); err != nil {
			t.Fatal(err)
		}
	}
	f := s.Follow(ctx)
	defer f.Close()
	last := put(t, s, "info/neco-release", "2026.11.21-2")
	if _, err := s.Client().Compact(ctx, last); err != nil {
		t.Fatal(err)
	}
	for f.Snapshot() == nil || f.Snapshot().Release != "2026.11.21-2" {
		select {
		case <-f.Wake():
		case <-ctx.Done():
			t.Fatal("the follower has not caught up")
		}
	}
}

// silentWatcher is an etcd watcher that delivers no event.
type silentWatcher struct{ clientv3.Watcher }

func (silentWatcher) Watch(ctx context.Context, _ string, _ ...clientv3.OpOption) clientv3.WatchChan {
	ch := make(chan clientv3.WatchResponse)
	go func() {
		<-ctx.Done()
		close(ch)
	}()
	return ch
}

// TestTheCurrentStateIsReadWhereTheWatchIsSilent checks that Current returns earlier
// writes although the watch delivers no event.
func TestTheCurrentStateIsReadWhereTheWatchIsSilent(t *testing.T) {
	for name, deaf := range map[string]bool{"it hears": false, "it is deaf": true} {
		t.Run(name, func(t *testing.T) {
			client := cluster.NewClient(t, cluster.Prefix())
			s := storage.New(client)
			if deaf {
				client.Watcher = silentWatcher{client.Watcher}
			}
			ctx, cancel := context.WithTimeout(t.Context(), followDeadline)
			defer cancel()
			f := s.FollowFull(ctx)
			defer f.Close()
			for _, version := range []string{"2026.11.21-1", "2026.11.21-2", "2026.11.21-3"} {
				put(t, s, storage.KeyRelease, version)
				rev := put(t, s, "history/x", "another key")
				got, err := f.Current(ctx)
				if err != nil || got.Release != version || got.Revision < rev {
					t.Fatalf("got %+v, %v; want release %s", got, err, version)
				}
			}
		})
	}
}
