package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// Retention of snapshots.
const (
	// MaxAge is the age at which a snapshot is removed.
	MaxAge = 14 * 24 * time.Hour
	// MaxCount is the maximum number of snapshots: hourly ones for MaxAge, and 24
	// that operators take by hand.
	MaxCount = 15 * 24
	// MinCount is the number of newest snapshots that are kept regardless of their
	// age, in case the clock has jumped or backups have failed for a long time.
	MinCount = 24
)

// Surplus returns the snapshots in all that are to be removed at the time now.  The
// snapshot fresh was just written and is kept, even if others have later names because
// the clock was set back.
func Surplus(all []Entry, fresh Name, now time.Time) []Entry {
	sorted := slices.SortedFunc(slices.Values(all), newestFirst)
	var surplus []Entry
	for i, e := range sorted {
		old := now.Sub(e.Time) > MaxAge
		if e.Name != fresh && (i >= MaxCount || old && i >= MinCount) {
			surplus = append(surplus, e)
		}
	}
	return surplus
}

// prune removes the snapshots that Surplus returns.
func prune(fsys host.FS, fresh Name, now time.Time) error {
	all, err := List(fsys)
	if err != nil {
		return err
	}
	for _, e := range Surplus(all, fresh, now) {
		if err := fsys.Remove(e.Path); err != nil {
			return fmt.Errorf("remove old snapshot: %w", err)
		}
	}
	return nil
}
