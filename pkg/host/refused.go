package host

import (
	"errors"
	"strings"
	"syscall"
)

// ErrRefused says that dpkg refuses a package, and does not lack anything that
// the host has to offer.
var ErrRefused = errors.New("refused by dpkg")

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
