package setup

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/stage"
)

// Dir keeps what setup needs to go on after an interruption.  It is root's
// alone, and gone at the end.
const Dir = "/var/lib/neco/setup"

var progressFile = path.Join(Dir, "progress.json")

// progress is what a server knows of its own setup after a restart.
type progress struct {
	// LRNs are the servers that the setup is for.
	LRNs []int `json:"lrns"`
	// Flags are what the operator ordered beside them.
	Flags flags `json:"flags"`
	// Done is the name of the last stage that was done here; complete once
	// nothing is left but to take this away.
	Done stage.Name `json:"done,omitzero"`
	// Facts are what the servers said of themselves when they met.  Who is done
	// does not come again when this one has to start over.
	Facts map[int]Facts `json:"facts,omitempty"`
	// PasswordTold says that the operator has the password of Vault's user.
	PasswordTold bool `json:"password_told,omitempty"`
}

// flags decide what a data centre is like; a try that goes on has to have the
// same.
type flags struct {
	Proxy             string   `json:"proxy,omitempty"`
	Recovery          []string `json:"recovery,omitempty"`
	NoRevoke          bool     `json:"no_revoke,omitempty"`
	AdminPasswordFile string   `json:"admin_password_file,omitempty"`
}

func (r *run) flags() flags {
	return flags{r.Proxy, r.Recovery, r.NoRevoke, r.AdminPasswordFile}
}

// String returns the flags as the operator gives them, with a password left
// out: for messages.
func (f flags) String() string {
	if f.Proxy == "" {
		return f.arguments()
	}
	shown := weburl.Redact(f.Proxy)
	if shown != f.Proxy {
		shown = "- (" + shown + " on standard input)"
	}
	f.Proxy = shown
	return f.arguments()
}

// arguments returns the flags as they are compared: with the password.
func (f flags) arguments() string {
	var all []string
	if f.NoRevoke {
		all = append(all, "--no-revoke")
	}
	if f.Proxy != "" {
		all = append(all, "--proxy "+f.Proxy)
	}
	for _, recipient := range f.Recovery {
		all = append(all, "--recovery-recipient "+recipient)
	}
	if f.AdminPasswordFile != "" {
		all = append(all, "--admin-password-file "+f.AdminPasswordFile)
	}
	if len(all) == 0 {
		return "no flags"
	}
	return strings.Join(all, " ")
}

// sameFlags refuses a try with other flags than those of the first.  What was
// not given then may be given as long as nothing has been made by it.
func (r *run) sameFlags() error {
	was, is := r.progress.Flags, r.flags()
	if !r.past(stageVault) {
		was = flags{
			cmp.Or(is.Proxy, was.Proxy), was.Recovery, is.NoRevoke || was.NoRevoke, cmp.Or(is.AdminPasswordFile, was.AdminPasswordFile),
		}
		if len(is.Recovery) > 0 {
			was.Recovery = is.Recovery
		}
	}
	if was.arguments() == is.arguments() {
		return nil
	}
	return fmt.Errorf("this setup was begun with %s; give the same again, or give the setup up with neco reset on all of the boot servers", r.progress.Flags)
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
