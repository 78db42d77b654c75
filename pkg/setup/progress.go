package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/cybozu-go/neco/pkg/host"
)

// Dir keeps what setup needs to go on after an interruption.  It is root's
// alone, and gone at the end.
const Dir = "/var/lib/neco/setup"

var progressFile = path.Join(Dir, "progress.json")

// progress is what a server knows of its own setup after a restart.
type progress struct {
	// LRNs are the servers that the setup is for.
	LRNs []int `json:"lrns"`
	// Done is the name of the last stage that was done here.
	Done string `json:"done,omitempty"`
	// Facts are what the servers said of themselves when they met.  Who is done
	// does not come again when this one has to start over.
	Facts map[int]Facts `json:"facts,omitempty"`
	// PasswordTold says that the operator has the password of Vault's user.
	PasswordTold bool `json:"password_told,omitempty"`
}

// loadProgress returns nil if no setup has begun here.
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
		return nil, fmt.Errorf("%s: %w", progressFile, err)
	}
	return p, nil
}

func (p *progress) save(fsys host.FS) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = fsys.Write(host.File{Path: progressFile, Data: append(data, '\n'), Mode: 0o600})
	return err
}
