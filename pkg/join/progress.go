package join

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	data, err := fsys.Read(progressFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &progress{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%s: malformed; neco reset gives the join up", progressFile)
	}
	return p, nil
}

func (p *progress) save(fsys host.FS) error {
	if err := fsys.MakeDir(host.Dir{Path: Dir, Mode: 0o700}); err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = fsys.Write(host.File{Path: progressFile, Data: append(data, '\n'), Mode: 0o600})
	return err
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
