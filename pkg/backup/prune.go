package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// These constants determine how long snapshots are retained.
const (
	// MaxAge is the age above which a snapshot is removed, unless it is one of the
	// newest MinCount.
	MaxAge = 14 * 24 * time.Hour
	// MaxCount is the maximum number of snapshots; older snapshots are removed. It is
	// sufficient for hourly snapshots during MaxAge, and 24 snapshots that operators
	// take by hand.
	MaxCount = 15 * 24
	// MinCount is the number of newest snapshots that are kept at any age. They remain
	// if the clock jumps or backups fail for a long time.
	MinCount = 24
)

// Surplus selects from all, the existing snapshots, those that are to be removed at the
// time now. It never selects fresh, the snapshot just written, even if the clock was
// set back and other snapshots have later names.
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

// prune removes the snapshots that Surplus returns from the disk.
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
