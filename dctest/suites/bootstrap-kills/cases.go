package kills

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/cybozu-go/neco/pkg/setup"
)

// Case is a failure at one point of time in a bootstrap.
type Case struct {
	Stage string
	// LRN is the logical rack number of the boot server on which the failure happens:
	// neco setup is killed there or, if PowerCut is set, the server loses power.
	LRN      int
	PowerCut bool
	// Late is how long after the start of the stage the failure happens.
	Late time.Duration
	// Alone means that neco setup keeps running on the other servers. Otherwise it is
	// killed on all servers and run again on all.
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

// latest is the upper limit of [Case.Late]. Most stages have ended when so much time
// has passed.
const latest = 800 * time.Millisecond

// Cases returns every case: neco setup killed in each stage on each server, and a power
// loss of the leader in each stage. The random choices in the cases depend only on seed.
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

// Draw returns n of the cases, chosen at random. The choice depends only on seed.
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
