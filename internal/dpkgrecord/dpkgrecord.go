// Package dpkgrecord reads the records that dpkg-query prints. A package has one
// for each architecture that it is installed for.
package dpkgrecord

import (
	"runtime"
	"strings"
)

// Format makes dpkg-query -W -f print what Parse reads.
const Format = `${db:Status-Status} ${Version} ${Architecture}\n`

// Record is the state of a package for one architecture. The version of a package
// that is not installed is empty.
type Record struct {
	State, Version string
}

// Parse returns the record of the architecture of this program, or of a package
// for all; without one, the first. Output without records is the zero Record.
func Parse(output string) Record {
	var first Record
	for line := range strings.Lines(output) {
		fields := append(strings.Split(strings.TrimRight(line, "\n"), " "), "", "")
		r, arch := Record{State: fields[0], Version: fields[1]}, fields[2]
		if arch == "all" || arch == native() {
			return r
		}
		if first == (Record{}) {
			first = r
		}
	}
	return first
}

// native is the name that Debian gives to the architecture of this program.
func native() string {
	switch runtime.GOARCH {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	}
	return runtime.GOARCH
}
