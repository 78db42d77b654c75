package hostkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"filippo.io/age"

	"github.com/cybozu-go/neco/pkg/host"
)

// File is the path of the host key, which only root can read. lockFile is the file that
// a process locks while it creates the host key.
const (
	File     = "/var/lib/neco/host-key"
	lockFile = "/var/lib/neco/host-key.lock"
)

// Identity is an age key. It decrypts secrets that are encrypted to its public key, the
// recipient. When an Identity is printed, the recipient is shown instead of the key.
type Identity struct {
	key *age.X25519Identity
}

// Format implements fmt.Formatter. It prints the recipient, to keep the key out of
// output and logs.
func (i Identity) Format(w fmt.State, _ rune) { io.WriteString(w, i.Recipient()) }

// Recipient returns the public key (age1…).
func (i Identity) Recipient() string {
	if i.key == nil {
		return "no key"
	}
	return i.key.Recipient().String()
}

// Load returns the host key. The first call creates and stores it; while another
// process creates it, Load blocks until that is done or ctx ends. If the file is
// malformed, Load returns an error and does not replace the file, because secrets may
// be encrypted to the key that was in it.
func Load(ctx context.Context, fsys host.FS) (Identity, error) {
	id, err := read(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = makeKey(ctx, fsys)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("host key: %w", err)
	}
	return id, nil
}

// Find returns the host key. If no setup, join or update has created the host key yet,
// Find returns ErrNone and does not create it.
func Find(fsys host.FS) (Identity, error) {
	id, err := read(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNone
	}
	if err != nil {
		return Identity{}, fmt.Errorf("host key: %s: %w", fsys.Path(File), err)
	}
	return id, nil
}

// ErrNone reports that the host has no host key.
var ErrNone = errors.New("there is no key")

func makeKey(ctx context.Context, fsys host.FS) (Identity, error) {
	release, err := fsys.Lock(ctx, lockFile)
	if err != nil {
		return Identity{}, err
	}
	defer release()
	if id, err := read(fsys); !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return Identity{}, err
	}
	_, err = fsys.Write(host.File{Path: File, Data: []byte(key.String() + "\n"), Mode: 0o600})
	return Identity{key}, err
}

func read(fsys host.FS) (Identity, error) {
	data, err := fsys.Read(File)
	if err != nil {
		return Identity{}, err
	}
	return ParseIdentity(string(data))
}

// ParseIdentity parses the text of a file that age-keygen writes, with one key
// (AGE-SECRET-KEY-1…). Lines that begin with # are comments. Its errors do not contain
// the text.
func ParseIdentity(text string) (Identity, error) {
	var found []*age.X25519Identity
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := age.ParseX25519Identity(line)
		if err != nil {
			return Identity{}, errors.New("not an age key (AGE-SECRET-KEY-1…)")
		}
		found = append(found, key)
	}
	if len(found) != 1 {
		return Identity{}, fmt.Errorf("%d age keys instead of one", len(found))
	}
	return Identity{found[0]}, nil
}
