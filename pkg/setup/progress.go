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

// Dir is the directory with the state of an interrupted setup, from which the next
// attempt resumes. Only root can read it; setup removes it when it is complete.
const Dir = "/var/lib/neco/setup"

var progressFile = path.Join(Dir, "progress.json")

// progress is the state of the setup on this server. It is stored in progressFile.
type progress struct {
	// LRNs are the numbers of the servers that are set up.
	LRNs []int `json:"lrns"`
	// Flags are the other flags that the operator gave.
	Flags flags `json:"flags"`
	// Done is the last stage that this server has completed. Its value is complete if
	// only the removal of Dir is left.
	Done stage.Name `json:"done,omitzero"`
	// Facts are the facts of all servers, by LRN, from the stage meet. They are stored
	// because a server that is complete does not report its facts again to a leader
	// that is restarted.
	Facts map[int]Facts `json:"facts,omitempty"`
	// PasswordTold reports that the password of Vault's first user was printed or
	// written to the operator's file.
	PasswordTold bool `json:"password_told,omitempty"`
}

// flags are the options of the operator that must be the same in each attempt.
type flags struct {
	Proxy             string   `json:"proxy,omitempty"`
	Recovery          []string `json:"recovery,omitempty"`
	NoRevoke          bool     `json:"no_revoke,omitempty"`
	AdminPasswordFile string   `json:"admin_password_file,omitempty"`
}

func (r *run) flags() flags {
	return flags{r.Proxy, r.Recovery, r.NoRevoke, r.AdminPasswordFile}
}

// String returns the flags as the operator gives them. A proxy with a password is shown
// without it.
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

// arguments returns the flags as the operator gives them, including passwords. The
// results of two flags are equal if and only if the flags are equal.
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

// sameFlags returns an error if the flags of this attempt differ from those of the
// earlier ones. Until the stage vault is completed, nothing depends on the flags yet:
// then a flag may be added, and its value may change, but a flag must not be omitted.
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
	return fmt.Errorf("this setup was started with %s; give the same again, or give the setup up with neco reset on all of the boot servers", r.progress.Flags)
}

// loadProgress returns the state of an earlier attempt, or nil if no setup was started
// on this server.
func loadProgress(fsys host.FS) (*progress, error) {
	p := &progress{}
	found, err := fsys.LoadState(progressFile, p)
	if errors.Is(err, host.ErrMalformed) {
		return nil, fmt.Errorf("%w; to give the setup up, use neco reset", err)
	}
	if err != nil || !found {
		return nil, err
	}
	return p, nil
}

func (p *progress) save(fsys host.FS) error { return fsys.SaveState(progressFile, p) }
