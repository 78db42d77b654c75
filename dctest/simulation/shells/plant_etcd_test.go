//go:build shell

package shells

import "testing"

// TestOnEtcdPlantedBugsAreFound is TestTheModelFindsPlantedBugs on a real etcd,
// for the first of the bugs. One seed in six finds it, and the first one ends the
// suite: of 60 none is left over that matters.
func TestOnEtcdPlantedBugsAreFound(t *testing.T) {
	p := plants()[0]
	p.symptom = "has not ended"
	p.wantFound(t, "-tags=shell", "-run=^TestShellsOnEtcd$", "-parallel=12", ".", "-args", "-seeds=60")
}
