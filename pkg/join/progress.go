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

// Dir holds the state with which a join resumes after an interruption.  Only root can
// read it, and the join removes it at its end.
const Dir = "/var/lib/neco/join"

var progressFile = path.Join(Dir, "progress.json")

// progress is the state of the join on this server, stored in progressFile.
type progress struct {
	// Token is the digest of the token by which Secret is registered.
	Token string `json:"token,omitempty"`
	// Secret is the secret ID, generated here, with which this server logs in to
	// Vault.
	Secret string `json:"secret,omitempty"`
}

// loadProgress returns nil if no join was started here.
func loadProgress(fsys host.FS) (*progress, error) {
	p := &progress{}
	found, err := fsys.LoadState(progressFile, p)
	if errors.Is(err, host.ErrMalformed) {
		return nil, fmt.Errorf("%w; to give the join up, use neco reset", err)
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

// secretFor returns the secret to be registered by t.  It is the same in each attempt
// with the same token, once progress is saved.
func (p *progress) secretFor(t Token) string {
	sum := sha256.Sum256([]byte("neco join token\x00" + t.Secret))
	digest := hex.EncodeToString(sum[:])
	if p.Token != digest || p.Secret == "" {
		p.Token, p.Secret = digest, rand.Text()+rand.Text() // 260 bits
	}
	return p.Secret
}
