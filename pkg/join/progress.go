package join

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"

	"github.com/cybozu-go/neco/pkg/host"
)

// Dir keeps what a join needs to go on after an interruption.  It is root's
// alone, and gone at the end.
const Dir = "/var/lib/neco/join"

var progressFile = path.Join(Dir, "progress.json")

// progress is what the joiner knows of its own join after a restart.
type progress struct {
	// Token is the digest of the token that Secret is registered with: the one
	// use of the token is bound to it.
	Token string `json:"token,omitempty"`
	// Secret is what this server has made to log in to Vault with.
	Secret string `json:"secret,omitempty"`
}

// loadProgress returns nil if no join has begun here.
func loadProgress(fsys host.FS) (*progress, error) {
	p := &progress{}
	found, err := fsys.LoadState(progressFile, p)
	if errors.Is(err, host.ErrMalformed) {
		return nil, fmt.Errorf("%w; neco reset gives the join up", err)
	}
	if err != nil || !found {
		return nil, err
	}
	return p, nil
}

func (p *progress) save(fsys host.FS) error {
	if err := fsys.MakeDir(host.Dir{Path: Dir, Mode: 0o700}); err != nil {
		return err
	}
	return fsys.SaveState(progressFile, p)
}

// secretFor returns the secret that belongs to the token: the same in every try
// on this server.
func (p *progress) secretFor(t Token) string {
	sum := sha256.Sum256([]byte("neco join token\x00" + t.Secret))
	digest := hex.EncodeToString(sum[:])
	if p.Token != digest || p.Secret == "" {
		p.Token, p.Secret = digest, rand.Text()+rand.Text() // 260 bits
	}
	return p.Secret
}
