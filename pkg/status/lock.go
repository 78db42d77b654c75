package status

import (
	"slices"

	"github.com/cybozu-go/neco/pkg/storage"
)

// leaders adds to v the host of the leading neco-updater. If v is waiting for the
// server that holds the workers' lock, leaders also adds that server.
func (v *View) leaders(s *storage.Snapshot) {
	v.Updater = clean(s.Updater())
	holder := s.LockHolder()
	if v.Awaited != nil && slices.Contains(v.Awaited.Servers, holder) {
		v.Awaited.Holder = &holder
	}
}
