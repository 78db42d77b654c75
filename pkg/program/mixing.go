package program

import "strings"

// Mixing defines which versions of a program may run at the same time on different boot
// servers. If the old and the new version must not run together, an update stops the
// old version on all boot servers before it starts the new version.
type Mixing int

const (
	// MixesFreely allows any two versions to run at the same time. An update changes
	// one boot server after another.
	MixesFreely Mixing = iota
	// MixesWithinMajor allows versions whose first numbers are equal to run at the same
	// time.
	MixesWithinMajor
	// MixesNever allows only equal versions to run at the same time.
	MixesNever
)

// String returns the rule as text for documents.
func (m Mixing) String() string {
	return [...]string{"any two", "of one major version", "none but the same"}[m]
}

// Allows reports whether the versions a and b may run at the same time.
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

// Groups returns the programs whose versions do not mix freely, each of which an update
// treats as a group.
func Groups() []Program {
	var all []Program
	for _, p := range All() {
		if p.Mixing != MixesFreely {
			all = append(all, p)
		}
	}
	return all
}
