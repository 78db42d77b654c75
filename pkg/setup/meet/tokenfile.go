package meet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// maxTokenFile is the maximum number of bytes that ReadFile reads of a token file.
const maxTokenFile = 4096

// ErrTokenReadable reports that the mode of a token file grants access to its group
// or to others.
var ErrTokenReadable = errors.New("its group or others may read it")

// ReadFile reads a token from the file at path. The file must be a regular file of this
// user. If its mode grants access to the group or to others, the error wraps
// ErrTokenReadable.
func ReadFile(path string) (Token, error) {
	t, err := readFile(path)
	if err != nil {
		return Token{}, fmt.Errorf("read setup token: %w", err)
	}
	return t, nil
}

func readFile(path string) (Token, error) {
	// Opening must not block if path is a named pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Token{}, err
	}
	defer file.Close()
	if err := checkOwner(file); err != nil {
		return Token{}, fmt.Errorf("%s: %w", path, err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxTokenFile))
	if err != nil {
		return Token{}, err
	}
	t, err := Parse(string(bytes.TrimSpace(data)))
	if err != nil {
		return Token{}, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func checkOwner(file *os.File) error {
	fi, err := file.Stat()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if mode := fi.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%w (mode %04o): chmod 600", ErrTokenReadable, mode)
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("it belongs to user %d", st.Uid)
	}
	return nil
}
