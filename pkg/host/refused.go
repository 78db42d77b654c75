package host

import (
	"errors"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/internal/errtext"
)

// ErrRefused reports that dpkg has refused a package, for another reason than a lack of
// space or memory or a damaged disk.
var ErrRefused = errors.New("refused by dpkg")

// causeOf returns the last lines of printed, the output of dpkg, that show why dpkg
// failed. It omits the messages of normal installations and the messages that follow
// every failure.
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
		return errtext.LastLines(printed)
	}
	return errtext.LastLines(strings.Join(kept, ""))
}

// refusedByDpkg reports whether the output of dpkg shows that the package, not the
// host, has caused the failure.
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
