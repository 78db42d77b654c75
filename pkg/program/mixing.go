package program

import "strings"

// Mixing says which versions of a program may run at the same time, on different boot
// servers. An update stops those that may not, everywhere, before it starts the new one.
type Mixing int

const (
	// MixesFreely: any two. One boot server after another is updated.
	MixesFreely Mixing = iota
	// MixesWithinMajor: those whose first numbers are the same.
	MixesWithinMajor
	// MixesNever: none but the same.
	MixesNever
)

// String says it, for documents.
func (m Mixing) String() string {
	return [...]string{"any two", "of one major version", "none but the same"}[m]
}

// Allows reports whether the versions a and b may run at once.
func (m Mixing) Allows(a, b string) bool {
	switch m {
	case MixesWithinMajor:
		return major(a) == major(b)
	case MixesNever:
		return a == b
	}
	return true
}

func major(version string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	return first
}

// Groups are the programs whose versions do not mix freely.
func Groups() []Program {
	var all []Program
	for _, p := range All() {
		if p.Mixing != MixesFreely {
			all = append(all, p)
		}
	}
	return all
}
