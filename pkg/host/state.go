package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// ErrMalformed reports that a file was not written by SaveState. The error that wraps it
// contains the file's path, but not its content, which may be a secret.
var ErrMalformed = errors.New("malformed")

// LoadState reads into v the value that SaveState has saved at p. If the file does not
// exist, found is false and the error is nil.
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

// SaveState saves v as JSON in the file p, which only its owner can read, and syncs it to
// the disk. It creates the directory if needed.
func (f FS) SaveState(p string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = f.Write(File{Path: p, Data: append(data, '\n'), Mode: 0o600})
	return err
}
