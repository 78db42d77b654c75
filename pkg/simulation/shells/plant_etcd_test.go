//go:build shell

package shells

import "testing"

// TestOnEtcdPlantedBugsAreFound is TestTheModelFindsPlantedBugs on a real etcd,
// for the first of the bugs.
func TestOnEtcdPlantedBugsAreFound(t *testing.T) {
	plants()[0].wantFound(t, "-tags=shell", "-run=^TestShellsOnEtcd$", "-parallel=12", ".", "-args", "-seeds=36")
}
