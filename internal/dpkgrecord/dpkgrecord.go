// Package dpkgrecord parses the records that dpkg-query prints. A package has one
// record for each architecture for which it is installed.
package dpkgrecord

import (
	"runtime"
	"strings"
)

// Format is the value of the option -f of dpkg-query -W. Parse reads the output in this
// format.
const Format = `${db:Status-Status} ${Version} ${Architecture}\n`

// Record is the state of a package for one architecture. Version is empty if the
// package is not installed.
type Record struct {
	State, Version string
}

// Parse returns the record in output for this program's architecture or for the
// architecture "all". If there is neither, it returns the first record, or the zero
// Record if output has none.
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

// native returns Debian's name for the architecture of this program.
func native() string {
	switch runtime.GOARCH {
	case "386":
		return "i386"
	case "arm":
		return "armhf"
	}
	return runtime.GOARCH
}
