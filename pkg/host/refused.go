package host

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/cybozu-go/neco/internal/dockercmd"
)

// ErrRefused says that dpkg refuses a package, and does not lack anything that
// the host has to offer.
var ErrRefused = errors.New("refused by dpkg")

// causeOf is what matters of what dpkg has printed: without what it does at each
// installation, and what it ends each failure with.
func causeOf(printed string) string {
	var kept []string
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "Errors were encountered while processing:") {
			break // the files follow, of which there is one
		}
		usual := func(prefix string) bool { return strings.HasPrefix(line, prefix) }
		if !slices.ContainsFunc([]string{"(Reading database", "Selecting previously", "Preparing to unpack", "Unpacking ", "Setting up ", "dpkg: error processing "}, usual) {
			kept = append(kept, strings.TrimSpace(line)+"\n")
		}
	}
	if len(kept) == 0 {
		return dockercmd.LastLines(printed)
	}
	return dockercmd.LastLines(strings.Join(kept, ""))
}

// refusedByDpkg reports whether the end of what dpkg has printed says that the
// package itself is at fault.
func refusedByDpkg(printed string) bool {
	if !strings.Contains(printed, "dpkg: error processing") {
		return false
	}
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.ENOMEM} {
		if strings.Contains(strings.ToLower(printed), errno.Error()) {
			return false
		}
	}
	return true
}
