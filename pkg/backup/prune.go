package backup

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// How long snapshots are kept.
const (
	// MaxAge is how old one gets.
	MaxAge = 14 * 24 * time.Hour
	// MaxCount is how many there are at most: one an hour for MaxAge, and a day
	// of those that somebody takes by hand.
	MaxCount = 15 * 24
	// MinCount of the newest are kept however old they are: when the clock has
	// jumped, or backups have failed for long, all others may look too old.
	MinCount = 24
)

// Surplus returns those of the snapshots that are to be removed at the time
// now.  The one called fresh is just written, and kept: names alone may say
// that others are newer.
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

// prune removes what is surplus beside fresh.
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
