package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
)

// settled returns an error if p on this boot server, whose package has the given version, might
// start another version than p on the others, although the versions of p do not mix: while an
// update is not complete, or if the package is not that of the last update. last is the last
// run, or nil if there was none. The update counts, not last, if its request exists.
func settled(snap *storage.Snapshot, last *storage.Run, p program.Program, version string) error {
	if p.Mixing == program.MixesFreely {
		return nil
	}
	if bad, ok := snap.MalformedAt(storage.KeyRequest); ok {
		return hint(bad, "whether an update is running is unknown; neco recover --malformed clears the request")
	}
	r := snap.Request
	switch {
	case snap.UnderWay():
		return hint(fmt.Errorf("%w: the update to %s runs, and may start another version of %s on other boot servers", ErrRunActive, r.Version, p.Name),
			"wait for its end with neco status --wait, then try again")
	case r != nil && !snap.Complete():
		return hint(fmt.Errorf("the update to %s was stopped: boot servers may have different versions of %s", r.Version, p.Name),
			"run neco recover, and try again when an update is complete (neco status --wait)")
	case r == nil && last != nil && last.Result != storage.ResultComplete:
		return hint(fmt.Errorf("the update to %s has not completed: boot servers may have different versions of %s", last.Version, p.Name),
			"try again when an update is complete (neco status --wait)")
	}
	return samePackage(snap, version)
}

// samePackage returns an error if the package of this host has another version than the
// release that was requested last.
func samePackage(snap *storage.Snapshot, version string) error {
	if r := snap.Request; r != nil && r.Version != version {
		return hint(fmt.Errorf("this boot server has the package neco %s, and the data centre the release %s", version, r.Version),
			"try again when an update has installed the same package on all boot servers: neco status --wait")
	}
	return nil
}

// lastRun returns the newest run in the history, or nil if there is none.
func lastRun(ctx context.Context, s *storage.Storage) (*storage.Run, error) {
	records, _, err := s.History(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(records) {
		if r.Result != "" { // acts of operators have none
			return &r, nil
		}
	}
	return nil, nil
}
