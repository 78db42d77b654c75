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

// Dir is the directory with the state of an interrupted join, from which the next
// attempt resumes. Only root can read it; the join removes it when it is complete.
const Dir = "/var/lib/neco/join"

var progressFile = path.Join(Dir, "progress.json")

// progress is the state of the join on this server. It is stored in progressFile.
type progress struct {
	// Token is the digest of the join token with which Secret is registered.
	Token string `json:"token,omitempty"`
	// Secret is the secret ID with which this server logs in to Vault. This server
	// generates it.
	Secret string `json:"secret,omitempty"`
}

// loadProgress returns the state of an earlier attempt, or nil if no join was started
// on this server.
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

// secretFor returns the secret ID to register with the token t. If p already has a
// secret ID for t, it returns that one; otherwise it generates one and stores it in p,
// which the caller must save.
func (p *progress) secretFor(t Token) string {
	sum := sha256.Sum256([]byte("neco join token\x00" + t.Secret))
	digest := hex.EncodeToString(sum[:])
	if p.Token != digest || p.Secret == "" {
		p.Token, p.Secret = digest, rand.Text()+rand.Text() // 260 bits
	}
	return p.Secret
}
