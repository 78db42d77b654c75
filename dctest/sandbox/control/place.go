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

// DefaultName is the name of a sandbox that was given none.
const DefaultName = "default"

// Place is where a sandbox of a name is found.
type Place struct {
	name string
	base string // without the suffix of a file
}

// State is what is known of a sandbox on disk.
type State struct {
	// Socket answers, and has a directory of its own.  Dir is where everything
	// is.
	Socket string `json:"socket"`
	Dir    string `json:"dir"`
	// Temporary says that the directory is to be removed in the end.
	Temporary bool `json:"temporary"`
	// PID is the process that is the sandbox.
	PID int `json:"pid"`
}

// PlaceOf returns the place for a name: a file in the user's cache.
func PlaceOf(name string) (Place, error) {
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return Place{}, fmt.Errorf("name %q: it may have letters, digits, hyphens and underscores", name)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Place{}, fmt.Errorf("find a place for sandbox %s: %w", name, err)
	}
	dir := filepath.Join(cache, "neco", "sandbox")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Place{}, fmt.Errorf("find a place for sandbox %s: %w", name, err)
	}
	return Place{name, filepath.Join(dir, name)}, nil
}

// ErrTaken is returned when a sandbox of that name is there already.
var ErrTaken = errors.New("it is running")

// Take takes the place for a sandbox of this process.  It is free again when
// the process ends, however that happens, or by release.  What an earlier
// sandbox of the name has left is removed.
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

// lock locks the file of the place.  One that somebody has removed before it
// was locked does not count.
func (p Place) lock() (*os.File, error) {
	for {
		lock, err := os.OpenFile(p.base+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("take the place of sandbox %s: %w", p.name, err)
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

// remove removes every file of a place that this process has taken.
func (p Place) remove() error {
	var errs []error
	for _, suffix := range []string{".json", ".log", ".lock"} {
		if err := os.Remove(p.base + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// clear removes the state, and the directories that it names.
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

// State reads what the sandbox of the name has written.
func (p Place) State() (State, error) {
	var s State
	data, err := os.ReadFile(p.base + ".json")
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read where sandbox %s is: %w", p.name, err)
	}
	return s, nil
}

// Write says where the sandbox of this process is.
func (p Place) Write(s State) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp := p.base + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return fmt.Errorf("write where sandbox %s is: %w", p.name, err)
	}
	return os.Rename(tmp, p.base+".json")
}

// Forget removes what Write has written.
func (p Place) Forget() error {
	err := os.Remove(p.base + ".json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// LogFile gets what a sandbox has to say while nobody looks.
func (p Place) LogFile() string { return p.base + ".log" }
