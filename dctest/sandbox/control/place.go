package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// DefaultName is the name of a sandbox that was started without a name.
const DefaultName = "default"

// Place holds the path that the state file, lock file and log file of a sandbox have in
// common.
type Place struct {
	name string
	base string // the common path of the files, without a suffix
}

// State is the content of the state file of a sandbox.
type State struct {
	// Socket is the path of the sandbox's socket. Dir is the sandbox's directory, which
	// does not contain the socket.
	Socket string `json:"socket"`
	Dir    string `json:"dir"`
	// Temporary reports whether Dir is removed when the sandbox ends.
	Temporary bool `json:"temporary"`
	// PID is the ID of the process that runs the sandbox.
	PID int `json:"pid"`
	// Failed is the error of the first planned update that has failed; empty if none has.
	Failed string `json:"failed,omitempty"`
}

// PlaceOf returns the place of the sandbox with the given name. Its files are in the
// user's cache directory, which is created if necessary.
func PlaceOf(name string) (Place, error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return Place{}, fmt.Errorf("name %q: only letters, digits, hyphens and underscores are allowed", name)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Place{}, fmt.Errorf("create the state directory of sandbox %s: %w", name, err)
	}
	dir := filepath.Join(cache, "neco", "sandbox")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Place{}, fmt.Errorf("create the state directory of sandbox %s: %w", name, err)
	}
	return Place{name, filepath.Join(dir, name)}, nil
}

// ErrTaken reports that a sandbox with the same name is already running.
var ErrTaken = errors.New("it is running")

// Take locks the files of the place for a sandbox of this process, and removes what an
// earlier sandbox of the same name has left. The lock is held until release is called or
// the process ends.
func (p Place) Take() (release func(), err error) {
	lock, err := p.lock()
	if err != nil {
		return nil, err
	}
	release = func() { lock.Close() }
	if err := p.clear(); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// lock opens and locks the lock file. It opens the file again if another process
// removed it before the lock was acquired.
func (p Place) lock() (*os.File, error) {
	for {
		lock, err := os.OpenFile(p.base+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("lock sandbox %s: %w", p.name, err)
		}
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			lock.Close()
			return nil, fmt.Errorf("sandbox %s: %w", p.name, ErrTaken)
		}
		mine, err := lock.Stat()
		there, err2 := os.Stat(p.base + ".lock")
		if err == nil && err2 == nil && os.SameFile(mine, there) {
			return lock, nil
		}
		lock.Close()
	}
}

// remove removes the files of the place. This process must hold the lock.
func (p Place) remove() error {
	var errs []error
	for _, suffix := range []string{".json", ".log", ".lock"} {
		if err := os.Remove(p.base + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// clear removes the state file, the directory of the socket and, if it is temporary, the
// sandbox's directory.
func (p Place) clear() error {
	state, err := p.State()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.RemoveAll(filepath.Dir(state.Socket))
	}
	if err == nil && state.Temporary {
		err = os.RemoveAll(state.Dir)
	}
	return errors.Join(err, p.Forget())
}

// State reads the state file.
func (p Place) State() (State, error) {
	var s State
	data, err := os.ReadFile(p.base + ".json")
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the state of sandbox %s: %w", p.name, err)
	}
	return s, nil
}

// Write writes the state file atomically.
func (p Place) Write(s State) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp := p.base + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write the state of sandbox %s: %w", p.name, err)
	}
	return os.Rename(tmp, p.base+".json")
}

// Forget removes the state file, if it exists.
func (p Place) Forget() error {
	err := os.Remove(p.base + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// LogFile returns the path of the file for the output of a sandbox that runs in the
// background.
func (p Place) LogFile() string { return p.base + ".log" }
