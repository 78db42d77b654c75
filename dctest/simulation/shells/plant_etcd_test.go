//go:build shell

package shells

import "testing"

// TestOnEtcdPlantedBugsAreFound does the same as TestTheModelFindsPlantedBugs on a real
// etcd, for the first of the bugs. About one seed in six finds that bug and the first
// failure ends the suite, so 60 seeds are enough.
func TestOnEtcdPlantedBugsAreFound(t *testing.T) {
	p := plants()[0]
	p.symptom = "has not ended"
	p.wantFound(t, "-tags=shell", "-run=^TestShellsOnEtcd$", "-parallel=12", ".", "-args", "-seeds=60")
}
