package status

import (
	"slices"

	"github.com/cybozu-go/neco/pkg/storage"
)

// leaders adds which neco-updater leads, and which of the awaited boot servers holds the
// lock of the workers.
func (v *View) leaders(s *storage.Snapshot) {
	v.Updater = clean(s.Updater())
	holder := s.LockHolder()
	if v.Awaited != nil && slices.Contains(v.Awaited.Servers, holder) {
		v.Awaited.Holder = &holder
	}
}
