// Package remaining keeps the names of the items that a parallel operation has not
// processed yet.
package remaining

import (
	"slices"
	"strings"
	"sync"
)

// Names is a list of names. It is safe for concurrent use.
type Names struct {
	report func(names string)
	mu     sync.Mutex
	names  []string
}

// New returns a list of names. It calls report with the names, separated by commas, now and
// after each call of Done; report must not block.
func New(report func(names string), names ...string) *Names {
	n := &Names{report: report, names: slices.Clone(names)}
	n.Done("")
	return n
}

// Done removes name from the list.
func (n *Names) Done(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names = slices.DeleteFunc(n.names, func(s string) bool { return s == name })
	n.report(strings.Join(n.names, ", "))
}
