package kills

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/cybozu-go/neco/pkg/setup"
)

// Case is a moment of a bootstrap, and what goes wrong then.
type Case struct {
	Stage string
	// LRN is the server that is hit: setup is killed there, or, if PowerCut, its
	// plug is pulled.
	LRN      int
	PowerCut bool
	// Late is how long after the beginning of the stage.
	Late time.Duration
	// Alone: the others' setups go on; else they are ended, too, and all are
	// run again.
	Alone bool
}

func (c Case) String() string {
	what := "setup killed on boot server"
	if c.PowerCut {
		what = "power cut of boot server"
	}
	others := "the others too"
	if c.Alone {
		others = "the others go on"
	}
	return fmt.Sprintf("%s %d in stage %s, %s late, %s", what, c.LRN, c.Stage, c.Late.Round(time.Millisecond), others)
}

// latest is the latest moment inside a stage: most are over by then.
const latest = 800 * time.Millisecond

// Cases lists every case: each stage with each server, and the leader's power
// cut at each stage.  What is drawn depends on the seed alone.
func Cases(lrns []int, seed string) []Case {
	draw := generator(seed)
	var all []Case
	for _, stage := range setup.Stages() {
		for _, lrn := range lrns {
			all = append(all, Case{Stage: stage, LRN: lrn})
		}
		all = append(all, Case{Stage: stage, LRN: setup.Leader(lrns), PowerCut: true})
	}
	for i := range all {
		all[i].Late = time.Duration(draw.Int64N(int64(latest)))
		all[i].Alone = draw.IntN(2) == 0
	}
	return all
}

// Draw picks n of the cases.
func Draw(all []Case, n int, seed string) []Case {
	picked := make([]Case, 0, n)
	for _, i := range generator(seed).Perm(len(all))[:min(n, len(all))] {
		picked = append(picked, all[i])
	}
	return picked
}

func generator(seed string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(seed))
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}
