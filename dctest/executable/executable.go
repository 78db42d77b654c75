// Package executable writes programs that the same process, or one that it starts, executes
// afterwards. It is for tests only.
package executable

import (
	"os"
	"syscall"
)

// Write writes data to the file at path, as os.WriteFile does, with mode 0755. It may be
// executed as soon as Write returns: no child process of this one is forked meanwhile. A child
// that is forked while the file is open for writing keeps it open until it executes its own
// program, and Linux refuses to execute an open file (ETXTBSY, https://go.dev/issue/22315).
// Forks of other goroutines wait for Write.
func Write(path string, data []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, data, 0o755)
}
