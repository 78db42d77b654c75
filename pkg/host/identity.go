package host

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
)

// hostIDFile holds a random ID, which distinguishes this installation of the host from
// others with the same LRN.
const hostIDFile = "/var/lib/neco/host-id"

// hostIDLength is the number of random bytes in the host ID.
const hostIDLength = 16

// LRN returns the host's logical rack number.
func (f FS) LRN() (int, error) {
	s, err := f.word(neco.RackFile)
	if err != nil {
		return 0, fmt.Errorf("read LRN: %w", err)
	}
	n, err := lrn.Parse(s)
	if err != nil {
		return 0, fmt.Errorf("read LRN: %s: %w", f.Path(neco.RackFile), err)
	}
	return n, nil
}

// Cluster returns the name of the data centre.
func (f FS) Cluster() (string, error) {
	s, err := f.word(neco.ClusterFile)
	if err != nil {
		return "", fmt.Errorf("read cluster: %w", err)
	}
	return s, nil
}

// HostID returns the random ID of this installation of the host, in hex. The first call
// creates the ID; it remains until the host's disk is wiped. Concurrent calls return the
// same ID.
func (f FS) HostID() (string, error) {
	id, err := f.word(hostIDFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err = f.makeHostID(); err == nil {
			id, err = f.word(hostIDFile)
		}
	}
	if err != nil {
		return "", fmt.Errorf("host id: %w", err)
	}
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != hostIDLength {
		return "", fmt.Errorf("host id: %s: %q is not a host id", f.Path(hostIDFile), id)
	}
	return id, nil
}

// makeHostID creates hostIDFile with a random ID, completely or not at all. It never
// replaces the file, because it links a temporary file to the name: unlike a rename, a
// link fails if the name exists.
func (f FS) makeHostID() error {
	name := f.Path(hostIDFile)
	if err := makeDir(filepath.Dir(name)); err != nil {
		return err
	}
	id := make([]byte, hostIDLength)
	rand.Read(id)
	text := hex.EncodeToString(id)
	tmp := name + "." + text // unique among concurrent calls
	defer os.Remove(tmp)
	file := File{Data: []byte(text + "\n"), Mode: 0644, UID: os.Geteuid(), GID: os.Getegid()}
	if err := create(tmp, file, bytes.NewReader(file.Data)); err != nil {
		return err
	}
	if err := os.Link(tmp, name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(name))
}

// word returns the contents of the file p, which must be a single word.
func (f FS) word(p string) (string, error) {
	data, err := f.Read(p)
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(data))
	if s == "" || strings.ContainsAny(s, " \t\n") {
		return "", fmt.Errorf("%s: %q is not one word", f.Path(p), s)
	}
	return s, nil
}
