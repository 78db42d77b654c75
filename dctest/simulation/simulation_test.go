package simulation

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

var (
	seeds = flag.Uint64("seeds", 1000, "number of seeds to simulate")
	seed  = flag.Uint64("seed", 0, "simulate only this seed and print its events")
	plant = flag.String("plant", "", "with -seed: insert the bug with this name")
)

// replay returns the command that runs the simulation of a seed again.
func replay(seed uint64, p Plant) string {
	if p.Name == "" {
		return fmt.Sprintf("make simulate SEED=%d", seed)
	}
	return fmt.Sprintf("make simulate SEED=%d PLANT=%s", seed, p.Name)
}

// options returns the options for a seed and the bug p, which may be the zero Plant.
func options(seed uint64, p Plant) Options {
	o := Options{Seed: seed, Plant: p}
	if p.oneKill {
		o.Kill = &Kill{LRN: int(seed) % 3, Step: int(seed) % len(Table()), Point: KillDuring}
	}
	return o
}

// planted returns the bug with the name in -plant.
func planted(t *testing.T) Plant {
	if *plant == "" {
		return Plant{}
	}
	i := slices.IndexFunc(Plants, func(p Plant) bool { return p.Name == *plant })
	if i < 0 {
		t.Fatalf("there is no bug %s", *plant)
	}
	return Plants[i]
}

// forSeeds calls f for the seeds 1 to n in parallel. It stops when f has returned false.
func forSeeds(n uint64, f func(seed uint64) bool) {
	var next atomic.Uint64
	var over atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !over.Load() {
				s := next.Add(1)
				if s > n {
					return
				}
				if !f(s) {
					over.Store(true)
				}
			}
		})
	}
	wg.Wait()
}

func TestSeedsHoldTheInvariants(t *testing.T) {
	if *seed != 0 {
		o := options(*seed, planted(t))
		o.Trace = true
		r := Run(o)
		t.Logf("\n%s", strings.Join(r.Trace, "\n"))
		if r.Violation != nil {
			t.Error(r.Violation)
		}
		return
	}
	var runs, violations atomic.Int64
	began := time.Now()
	forSeeds(*seeds, func(s uint64) bool {
		r := Run(Options{Seed: s})
		runs.Add(int64(r.Runs))
		if r.Violation != nil {
			violations.Add(1)
			t.Errorf("seed %d: %v\nreplay: %s\n%s", s, r.Violation, replay(s, Plant{}), strings.Join(r.Trace, "\n"))
		}
		return violations.Load() < 3
	})
	t.Logf("%d seeds, %d runs, %d violations in %s", *seeds, runs.Load(), violations.Load(), time.Since(began).Round(time.Millisecond))
}

func TestASeedGivesTheSameEventsEachTime(t *testing.T) {
	for s := range uint64(5) {
		a, b := Run(Options{Seed: s + 1, Trace: true}), Run(Options{Seed: s + 1, Trace: true})
		if diff := cmp.Diff(a.Trace, b.Trace); diff != "" {
			t.Fatalf("seed %d: %s", s+1, diff)
		}
	}
}

func TestAKillAtEveryPlaceOfEveryServerIsSurvived(t *testing.T) {
	cases := 0
	for servers := 3; servers <= 5; servers++ {
		for lrn := range servers {
			for step := range len(Table()) {
				for point := KillBefore; point <= KillReported; point++ {
					cases++
					k := &Kill{LRN: lrn, Step: step, Point: point}
					r := Run(Options{Seed: uint64(cases), Servers: servers, Kill: k})
					switch {
					case r.Violation != nil:
						t.Errorf("%d servers, kill %d at step %d point %d: %v\n%s", servers, lrn, step, point, r.Violation, strings.Join(r.Trace, "\n"))
					case r.Runs != 1:
						t.Errorf("%d servers, kill %d at step %d point %d: %d runs, want 1", servers, lrn, step, point, r.Runs)
					}
				}
			}
		}
	}
	t.Logf("%d kills", cases)
}

func TestEveryPlantedBugIsFound(t *testing.T) {
	for _, p := range Plants {
		t.Run(p.Name, func(t *testing.T) {
			var found atomic.Uint64
			forSeeds(1000, func(s uint64) bool {
				r := Run(options(s, p))
				if r.Violation == nil {
					return true
				}
				found.Store(s)
				t.Logf("seed %d: %v; replay: %s", s, r.Violation, replay(s, p))
				return false
			})
			if found.Load() == 0 {
				t.Errorf("not found within 1,000 seeds: %s", p.Bug)
			}
		})
	}
}

// TestEveryFaultHappens enables each fault alone, and checks that this fault happens and
// no other one.
func TestEveryFaultHappens(t *testing.T) {
	for _, f := range Faults() {
		t.Run(string(f), func(t *testing.T) {
			for s := range uint64(1000) {
				r := Run(Options{Seed: s + 1, Faults: []Fault{f}})
				if r.Violation != nil {
					t.Fatalf("seed %d: %v\n%s", s+1, r.Violation, strings.Join(r.Trace, "\n"))
				}
				for other := range r.Faults {
					if other != f {
						t.Fatalf("seed %d: %s happens", s+1, other)
					}
				}
				if r.Faults[f] > 0 {
					return
				}
			}
			t.Error("the fault never happens")
		})
	}
}

// TestTheTableIsThatOfTheProduct checks that the simulation has the actions of the
// product, with other deadlines.
func TestTheTableIsThatOfTheProduct(t *testing.T) {
	table := Table()
	if err := table.Validate(); err != nil {
		t.Fatal(err)
	}
	for n, step := range steps.Table() {
		if diff := cmp.Diff(step.Actions, table[n].Actions, cmpopts.IgnoreFields(update.Action{}, "Deadline")); diff != "" {
			t.Errorf("step %d (%s): %s", n, step.Name, diff)
		}
	}
}

// TestThePlantsInTheGuaranteesExist checks that the bugs named in docs/guarantees.md
// exist.
func TestThePlantsInTheGuaranteesExist(t *testing.T) {
	text, err := os.ReadFile("../../docs/guarantees.md")
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, m := range regexp.MustCompile("`dctest/simulation`[^(|;]*\\(([a-z-]+(?:, [a-z-]+)*)\\)").FindAllSubmatch(text, -1) {
		for name := range strings.SplitSeq(string(m[1]), ", ") {
			names++
			if !slices.ContainsFunc(Plants, func(p Plant) bool { return p.Name == name }) {
				t.Errorf("there is no bug %s", name)
			}
		}
	}
	if names == 0 {
		t.Error("docs/guarantees.md names no bug")
	}
}
