package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// ErrMalformed: a file of state is not what was saved. The error that wraps it
// names the file, and repeats nothing of it: it may hold a secret.
var ErrMalformed = errors.New("malformed")

// LoadState reads into v what SaveState has saved as p. It is no error if there
// is nothing: then found is false.
func (f FS) LoadState(p string, v any) (found bool, err error) {
	data, err := f.Read(p)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if json.Unmarshal(data, v) != nil {
		return false, fmt.Errorf("%s: %w", p, ErrMalformed)
	}
	return true, nil
}

// SaveState saves v as p, which only its owner can read. It is on the disk when
// SaveState returns; its directory is made if needed.
func (f FS) SaveState(p string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = f.Write(File{Path: p, Data: append(data, '\n'), Mode: 0o600})
	return err
}
