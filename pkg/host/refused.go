package host

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/internal/dockercmd"
)

// ErrRefused reports that dpkg has refused a package, and not because the host lacks
// space, memory or a sound disk.
var ErrRefused = errors.New("refused by dpkg")

// causeOf returns the last lines of dpkg's output printed that show why it failed. It
// omits the messages of normal installations and those that follow every failure.
func causeOf(printed string) string {
	var kept []string
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "Errors were encountered while processing:") {
			break // the list of files follows, which is only this one
		}
		if at, rest, ok := strings.Cut(line, " "); ok {
			if _, err := time.Parse(time.RFC3339, at); err == nil {
				line = rest // the log has the time, and each attempt another one
			}
		}
		usual := func(prefix string) bool { return strings.HasPrefix(line, prefix) }
		if !slices.ContainsFunc([]string{"(Reading database", "Selecting previously", "Preparing to unpack", "Unpacking ", "Setting up ", "dpkg: error processing ", "dpkg --"}, usual) {
			kept = append(kept, strings.TrimSpace(line)+"\n")
		}
	}
	if len(kept) == 0 {
		return dockercmd.LastLines(printed)
	}
	return dockercmd.LastLines(strings.Join(kept, ""))
}

// refusedByDpkg reports whether the output of dpkg means that the package is at fault,
// and not the host.
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
