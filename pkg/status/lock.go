package status

import "slices"

// AddLeaders adds which neco-updater leads, and which boot server holds the lock of
// the workers; negative: none.
func (v *View) AddLeaders(updater string, holder int) {
	v.Updater = clean(updater)
	if v.Awaited != nil && slices.Contains(v.Awaited.Servers, holder) {
		v.Awaited.Holder = &holder
	}
}
