package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/liveness"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// TestAWorkerWhoseLoopStandsStillDoesNotLookAlive checks that the presence of a worker
// expires and its heartbeats stop when its main loop is blocked, although the process
// and its connection to etcd continue.
func TestAWorkerWhoseLoopStandsStillDoesNotLookAlive(t *testing.T) {
	c := newCell(t)
	c.request(0)
	table := emptyTable(2)
	table[1].Actions[0].Kind, table[1].Actions[0].Record = update.Once, "sabakan"
	blocked, goOn := make(chan struct{}), make(chan struct{})
	c.pulse = liveness.New(3 * time.Second)
	first := true
	c.start(&host{world: c.world, ask: func() {
		if first {
			first = false
			close(blocked)
			<-goOn
		}
	}}, table, &memJournal{})
	present := func(s *storage.Snapshot) bool { _, ok := s.Presence[0]; return ok }
	c.await("the presence", present)
	<-blocked
	c.await("the presence to expire", func(s *storage.Snapshot) bool { return !present(s) })
	before := c.heartbeat(0)
	if before.IsZero() {
		t.Error("no heartbeat was written")
	}
	close(goOn)
	c.await("the run to be complete", complete)
	c.await("the presence again", present)
	if after := c.heartbeat(0); !after.After(before) {
		t.Errorf("heartbeat %s, not after %s", after, before)
	}
}

// heartbeat returns the time of the last heartbeat of a boot server.
func (c *cell) heartbeat(lrn int) time.Time {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), deadline)
	defer cancel()
	snap, err := c.store.FullSnapshot(ctx)
	if err != nil || len(snap.Malformed) > 0 {
		c.t.Fatal(err, snap)
	}
	return snap.Heartbeats[lrn].At
}
