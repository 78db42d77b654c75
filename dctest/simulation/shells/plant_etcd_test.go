//go:build shell

package shells

import "testing"

// TestOnEtcdPlantedBugsAreFound is TestTheModelFindsPlantedBugs on a real etcd, for the
// first of the bugs. One seed in six finds it, and the first failure ends the suite, so
// 60 seeds are enough.
func TestOnEtcdPlantedBugsAreFound(t *testing.T) {
	p := plants()[0]
	p.symptom = "has not ended"
	p.wantFound(t, "-tags=shell", "-run=^TestShellsOnEtcd$", "-parallel=12", ".", "-args", "-seeds=60")
}
