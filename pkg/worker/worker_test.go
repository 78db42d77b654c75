package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

func TestARunOfThreeServersCompletes(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world}, emptyTable(18), &memJournal{})
	}
	c.await("all complete", complete)
	for step := 1; step <= 18; step++ {
		if n := c.world.count(fmt.Sprintf("end %d.0", step)); n != 3 {
			t.Errorf("step %d was done %d times, want 3", step, n)
		}
	}
}

func TestRollingActionsRunOneAtATime(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[2].Actions[0].Kind = update.Rolling
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world}, table, &memJournal{})
	}
	c.await("all complete", complete)
	if most := c.world.most[update.Place{Step: 2}]; most != 1 {
		t.Errorf("%d members did the rolling action at once", most)
	}
}

func TestAOnceActionIsDoneByOneMemberThatQualifies(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[2].Actions[0].Kind, table[2].Actions[0].Record = update.Once, "sabakan"
	c.request(0, 1, 2)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world, unfit: lrn == 0}, table, &memJournal{})
	}
	snap := c.await("all complete", complete)
	if n := c.world.count("end 2.0"); n != 1 {
		t.Errorf("the once-action was done %d times", n)
	}
	if c.world.count("0 begin 2.0") != 0 {
		t.Error("a server that does not qualify did it")
	}
	if rec := snap.Records["sabakan"]; !rec.Success || !rec.Of(snap.Request) {
		t.Errorf("record %+v", rec)
	}
}

func TestTheDigestOfAOnceActionIsInItsRecord(t *testing.T) {
	c := newCell(t)
	table := emptyTable(2)
	table[1].Actions[0].Kind, table[1].Actions[0].Record = update.Once, "user-resources"
	c.request(0)
	c.start(&host{lrn: 0, world: c.world, digest: "abc"}, table, &memJournal{})
	c.await("complete", complete)
	if got, err := c.store.RecordDigest(t.Context(), "user-resources"); got != "abc" || err != nil {
		t.Errorf("digest %q, %v", got, err)
	}
}

func TestAFailingActionAbortsTheRunWithOneText(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	for lrn := range 3 {
		h := &host{lrn: lrn, world: c.world}
		if lrn == 2 {
			h.before = func(_ context.Context, p update.Place) error {
				if p.Step == 2 {
					return worker.Permanent(fmt.Errorf("disk is gone"))
				}
				return nil
			}
		}
		c.start(h, emptyTable(3), &memJournal{})
	}
	snap := c.await("the others wind down", func(s *storage.Snapshot) bool {
		return s.Statuses[2].Cond == neco.CondAbort &&
			s.Statuses[0].Cond == neco.CondNotRunning && s.Statuses[1].Cond == neco.CondNotRunning
	})
	want := "step 2 (step2) act on boot server 2: disk is gone"
	if got := snap.Statuses[2].Message; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
	if c.world.count("begin 3.0") != 0 {
		t.Error("step 3 was started")
	}
}

func TestOnlyAFaultOfTheReleaseMakesItABadOne(t *testing.T) {
	cut := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	fault := func() error {
		return fmt.Errorf("stage package: %w", worker.ReleaseFault(errors.New("digest mismatch")))
	}
	for name, tt := range map[string]struct {
		attempt func(ctx context.Context, n int) error
		bad     bool
		env     string
		// waits means that the attempts end with the deadline of the action.
		waits bool
	}{
		"a fault of the release": {func(context.Context, int) error { return worker.Permanent(fault()) }, true, neco.ProdEnv, false},
		"a fault of the host":    {func(context.Context, int) error { return worker.Permanent(errors.New("disk is gone")) }, false, neco.ProdEnv, false},
		"a timeout":              {func(ctx context.Context, _ int) error { return cut(ctx) }, false, neco.ProdEnv, true},
		"a fault at the deadline": {func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", context.Cause(ctx), fault())
		}, true, neco.ProdEnv, true},
		"a fault, and an attempt that the deadline cut off": {func(ctx context.Context, n int) error {
			if n == 1 {
				return fault()
			}
			return cut(ctx)
		}, true, neco.ProdEnv, true},
		"a fault, and another error after it": {func(_ context.Context, n int) error {
			if n == 1 {
				return fault()
			}
			return worker.Permanent(errors.New("disk is gone"))
		}, false, neco.ProdEnv, false},
		"panics":             {func(context.Context, int) error { panic("no such thing") }, true, neco.ProdEnv, false},
		"panics in env test": {func(context.Context, int) error { panic("no such thing") }, false, neco.TestEnv, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCell(t)
			if _, err := c.store.Client().Put(t.Context(), storage.KeyConfig+"env", tt.env); err != nil {
				t.Fatal(err)
			}
			c.request(0)
			table := emptyTable(3)
			if tt.waits {
				table[2].Actions[0].Deadline = 2 * time.Second
			}
			c.start(&host{world: c.world, before: func(ctx context.Context, p update.Place) error {
				if p.Step != 2 {
					return nil
				}
				return tt.attempt(ctx, c.world.count("begin 2.0"))
			}}, table, &memJournal{})
			snap := c.await("it aborts", func(s *storage.Snapshot) bool { return s.Statuses[0].Cond == neco.CondAbort })
			got, bad := snap.Bad[version]
			if bad != tt.bad {
				t.Fatalf("bad is %v (%+v), want %v: %s", bad, got, tt.bad, snap.Statuses[0].Message)
			}
			if bad && (got.Reason != snap.Statuses[0].Message || got.Step != 2 || got.LRN != 0 || got.At.IsZero()) {
				t.Errorf("the mark is %+v", got)
			}
		})
	}
}

// panicking returns a host whose action in step 2 panics in its first n attempts.
func panicking(w *world, n int) *host {
	return &host{world: w, before: func(_ context.Context, p update.Place) error {
		if p.Step == 2 && w.count("begin 2.0") <= n {
			panic("no such thing")
		}
		return nil
	}}
}

func TestAnActionThatPanickedIsResumed(t *testing.T) {
	c := newCell(t)
	c.request(0)
	c.start(panicking(c.world, 3), emptyTable(3), &memJournal{})
	c.await("complete", complete)
	if n := c.world.count("begin 2.0"); n != 4 {
		t.Errorf("it was started %d times", n)
	}
}

func TestAnActionThatPanicsEachTimeStopsTheRun(t *testing.T) {
	c := newCell(t)
	c.request(0)
	c.start(panicking(c.world, 9), emptyTable(3), &memJournal{})
	snap := c.await("it aborts", func(s *storage.Snapshot) bool { return s.Statuses[0].Cond == neco.CondAbort })
	if want := "step 2 (step2) act on boot server 0: panic: no such thing"; snap.Statuses[0].Message != want {
		t.Errorf("message %q, want %q", snap.Statuses[0].Message, want)
	}
	if n := c.world.count("begin 2.0"); n != 4 {
		t.Errorf("it was started %d times", n)
	}
}

// notBefore is an error that states the earliest time of the next attempt.
type notBefore struct{ at time.Time }

func (notBefore) Error() string          { return "limited" }
func (n notBefore) NotBefore() time.Time { return n.at }

func TestAnActionIsNotTriedAgainBeforeTheTimeThatItsErrorNames(t *testing.T) {
	c := newCell(t)
	c.request(0)
	var at, second time.Time
	c.start(&host{world: c.world, before: func(_ context.Context, p update.Place) error {
		switch {
		case p.Step != 2:
		case at.IsZero():
			at = time.Now().Add(time.Second)
			return fmt.Errorf("download: %w", notBefore{at})
		case second.IsZero():
			second = time.Now()
		}
		return nil
	}}, emptyTable(3), &memJournal{})
	c.await("complete", complete)
	if second.Before(at) {
		t.Errorf("tried again %s too early", at.Sub(second))
	}
}

func TestAStoppedRunEndsTheActionAndBringsServicesBack(t *testing.T) {
	c := newCell(t)
	table := emptyTable(3)
	table[1].Actions[0].Stops = "cke"
	r := c.request(0, 1, 2)
	began := make(chan struct{}, 3)
	for lrn := range 3 {
		c.start(&host{lrn: lrn, world: c.world, before: func(ctx context.Context, p update.Place) error {
			if p.Step == 2 {
				began <- struct{}{}
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}, table, &memJournal{})
	}
	for range 3 {
		<-began
	}
	if _, err := c.store.StopRequest(t.Context(), storage.Guard{LRN: -1}, r, update.OutcomeStopped, "operator says so"); err != nil {
		t.Fatal(err)
	}
	snap := c.await("all wind down", func(s *storage.Snapshot) bool {
		for _, st := range s.Statuses {
			if st.Cond != neco.CondNotRunning {
				return false
			}
		}
		return true
	})
	if n := c.world.count("restore cke old"); n != 3 {
		t.Errorf("%d servers brought cke back, want 3", n)
	}
	if sw := snap.Switches["cke"]; sw.Side != update.SideOld {
		t.Errorf("switch %+v", sw)
	}
}

func TestWhatAFormerProcessHasStoppedIsBroughtBack(t *testing.T) {
	c := newCell(t)
	r := c.request(0)
	if _, err := c.store.StopRequest(t.Context(), storage.Guard{LRN: -1}, r, update.OutcomeStopped, "operator says so"); err != nil {
		t.Fatal(err)
	}
	c.start(&host{lrn: 0, world: c.world}, emptyTable(3), &memJournal{stopped: []update.Stopped{{Group: "cke", Run: r.ID()}}})
	c.await("the switch", func(s *storage.Snapshot) bool { return s.Switches["cke"].Side == update.SideOld })
	c.world.await(t, "restore cke old")
	if c.world.count("an incomplete target") > 0 {
		t.Error("it was not told what for")
	}
}

// TestWhatWasStoppedForARunThatIsGoneIsBroughtBack: if etcd has no request any more, the
// recorded switch determines the version of the services, and the members are the
// registered servers.
func TestWhatWasStoppedForARunThatIsGoneIsBroughtBack(t *testing.T) {
	for _, side := range []update.Side{update.SideNew, update.SideOld} {
		t.Run(string(side), func(t *testing.T) {
			c := newCell(t)
			r := c.request(0, 1, 2)
			sw := update.Switch{Version: r.Version, StartedAt: r.StartedAt, Side: side}
			if _, err := c.store.PutSwitch(t.Context(), storage.Guard{LRN: -1, AnyRequest: true}, "cke", sw, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := c.etcd.Delete(t.Context(), storage.KeyRequest); err != nil {
				t.Fatal(err)
			}
			c.start(&host{lrn: 1, world: c.world}, emptyTable(3), &memJournal{stopped: []update.Stopped{{Group: "cke", Run: r.ID()}}})
			c.world.await(t, "restore cke "+string(side))
			c.world.await(t, "1 restores for [0 1 2]")
			if c.world.count("an incomplete target") > 0 {
				t.Error("it was not told what for")
			}
		})
	}
}

// TestAWorkerThatIsToldToEndWarnsOfNothing: it is normal that a worker ends, because each
// installation of the package restarts it.
func TestAWorkerThatIsToldToEndWarnsOfNothing(t *testing.T) {
	c := newCell(t)
	c.request(0)
	began := make(chan struct{}, 1)
	stop := c.start(&host{lrn: 0, world: c.world, before: func(ctx context.Context, _ update.Place) error {
		began <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}}, emptyTable(2), &memJournal{})
	<-began
	stop()
	if n := c.world.count("warning"); n != 0 {
		t.Errorf("%d warnings", n)
	}
}

func TestAWorkerThatStartsAgainResumes(t *testing.T) {
	c := newCell(t)
	c.request(0, 1, 2)
	hold := make(chan struct{})
	reached := make(chan struct{}, 1)
	block := func(ctx context.Context, p update.Place) error {
		if p.Step != 2 {
			return nil
		}
		select {
		case reached <- struct{}{}:
		default:
		}
		select {
		case <-hold:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	j := &memJournal{}
	stop := c.start(&host{lrn: 0, world: c.world, before: block}, emptyTable(4), j)
	c.start(&host{lrn: 1, world: c.world}, emptyTable(4), &memJournal{})
	c.start(&host{lrn: 2, world: c.world}, emptyTable(4), &memJournal{})
	<-reached
	stop()
	close(hold)
	c.start(&host{lrn: 0, world: c.world, before: block}, emptyTable(4), j)
	c.await("all complete", complete)
	if n := c.world.count("0 begin 1.0"); n != 2 {
		t.Errorf("the earlier every-action was started %d times, want again on resume", n)
	}
}
