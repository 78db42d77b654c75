package host

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/internal/dockercmd"
)

// ErrRefused is returned if dpkg refuses a package for a reason other than a lack of
// space, memory or a sound disk on the host.
var ErrRefused = errors.New("refused by dpkg")

// causeOf returns the last relevant lines of dpkg's output, without its messages of
// every installation and of every failure.
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

// refusedByDpkg reports whether the output of dpkg means that the package itself is at
// fault.
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
