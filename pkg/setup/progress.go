package setup

import (
	"errors"
	"fmt"
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
	// Done is the name of the last stage that was done here; complete once
	// nothing is left but to take this away.
	Done string `json:"done,omitempty"`
	// Facts are what the servers said of themselves when they met.  Who is done
	// does not come again when this one has to start over.
	Facts map[int]Facts `json:"facts,omitempty"`
	// PasswordTold says that the operator has the password of Vault's user.
	PasswordTold bool `json:"password_told,omitempty"`
}

// loadProgress returns nil if no setup has begun here.
func loadProgress(fsys host.FS) (*progress, error) {
	p := &progress{}
	found, err := fsys.LoadState(progressFile, p)
	if errors.Is(err, host.ErrMalformed) {
		return nil, fmt.Errorf("%w; neco reset gives the setup up", err)
	}
	if err != nil || !found {
		return nil, err
	}
	return p, nil
}

func (p *progress) save(fsys host.FS) error { return fsys.SaveState(progressFile, p) }
