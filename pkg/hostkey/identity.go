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

// Where the key lies, for root alone, and what keeps two processes from making
// it at once.
const (
	File     = "/var/lib/neco/host-key"
	lockFile = "/var/lib/neco/host-key.lock"
)

// Identity opens what is sealed to its recipient.  It prints as its recipient.
type Identity struct {
	key *age.X25519Identity
}

// Format keeps the key out of whatever is printed.
func (i Identity) Format(w fmt.State, _ rune) { io.WriteString(w, i.Recipient()) }

// Recipient is the public half, age1….
func (i Identity) Recipient() string {
	if i.key == nil {
		return "no key"
	}
	return i.key.Recipient().String()
}

// Load returns the host's identity.  The first call makes it; from then on it
// is the same until the host's disk is wiped.  It waits for another process
// that makes it at the same time until ctx ends.  A file that is there and no
// key is an error: secrets may be sealed to what it was.
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

// Find returns the host's identity and changes nothing. ErrNone: the host has none,
// since no setup, join or update has run on it.
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

// ErrNone is returned by Find where no key was made.
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

// ParseIdentity reads a key in age's text, AGE-SECRET-KEY-1…, as age-keygen
// writes it: lines with # are comments.  Its errors do not tell the contents.
func ParseIdentity(text string) (Identity, error) {
	var found []*age.X25519Identity
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := age.ParseX25519Identity(line)
		if err != nil {
			return Identity{}, errors.New("not a key of age (AGE-SECRET-KEY-1…)")
		}
		found = append(found, key)
	}
	if len(found) != 1 {
		return Identity{}, fmt.Errorf("%d keys of age, not one", len(found))
	}
	return Identity{found[0]}, nil
}
