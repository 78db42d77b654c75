package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Env is what the commands use of their environment. All fields must be set; [System]
// returns the Env of the real system.
type Env struct {
	// Version is the version of the Neco package to which this program belongs.
	Version string
	// FS is the file system of the boot server. The flag --root changes its root.
	FS host.FS
	// Etcd returns a client of etcd, made with the configuration file in fs. Only
	// commands that need etcd call it; they close the client.
	Etcd func(fs host.FS) (*storage.Storage, error)
	// Sabakan is the URL of the sabakan on this host.
	Sabakan string
	// Serf is the address of the RPC endpoint of serf on this host.
	Serf string
	// BMCPort is the port of BMCs; 0: that of HTTPS.
	BMCPort uint16
	// MemberTimeout is how long a member of etcd has to answer the question whether it
	// answers at all.
	MemberTimeout time.Duration
	// RebootPoll is the time between two observations of the fleet while it restarts under a
	// budget.
	RebootPoll time.Duration
	// Now returns the current time.
	Now func() time.Time
	// Getenv returns the value of an environment variable. Some secrets are read from
	// variables.
	Getenv func(string) string
	// By returns the name of the operator, as USER@HOST.
	By func() string
}

// System returns the Env of this process.
func System(version string) Env {
	return Env{
		Version: version,
		FS:      host.FS{Root: "/"},
		Etcd:    openEtcd,
		Sabakan: neco.SabakanLocalEndpoint,
		Serf:    fleet.SerfAddress,

		MemberTimeout: memberTimeout,
		RebootPoll:    rebootPoll,
		Now:           time.Now,
		Getenv:        os.Getenv,
		By:            by,
	}
}

func openEtcd(fsys host.FS) (*storage.Storage, error) {
	conf, err := neco.LoadEtcdConfig(fsys.Path(neco.NecoConfFile))
	if errors.Is(err, fs.ErrNotExist) {
		for dir, command := range map[string]string{setup.Dir: "neco setup", join.Dir: "neco join"} {
			if _, begun := fsys.Stat(dir); begun == nil {
				return nil, hint(err, "%s was started here and is not complete: run it again", command)
			}
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, hint(err, "is this a boot server? Its configuration is written by neco setup and neco join; "+
			"with --root DIR another file system is used")
	case err != nil:
		return nil, hint(err, "correct the file; compare it with %s of another boot server", neco.NecoConfFile)
	}
	s, err := storage.Open(*conf)
	switch {
	case err == nil:
		return s, nil
	case noAnswer(err):
		return nil, passwordCause(*conf, err)
	case refused(err):
		return nil, err
	}
	return nil, hint(err, "%s names the files; neco cert list checks the certificates of this server, neco cert reissue replaces lost ones", neco.NecoConfFile)
}

// passwordCause returns why the authentication with conf's password failed with err: an
// [unreachedError] if etcd cannot be reached, or else err itself.
func passwordCause(conf neco.EtcdConfig, err error) error {
	conf.Username, conf.Password = "", ""
	s, openErr := storage.Open(conf)
	if openErr != nil {
		return err
	}
	defer s.Close()
	return withCause(context.Background(), s, memberTimeout, err)
}

// act returns the record that the operator has run this command. The caller writes it
// to the history of the data centre.
func (env *Env) act(kind storage.Kind, format string, args ...any) storage.Act {
	return storage.Act{Kind: kind, By: env.By(), At: env.Now(), What: fmt.Sprintf(format, args...)}
}

// fromHere converts paths given by the operator to paths of env.FS. Relative paths are
// relative to the working directory.
func (env *Env) fromHere(files ...*string) error {
	for _, file := range files {
		if *file == "" || filepath.IsAbs(*file) {
			continue
		}
		abs, err := filepath.Abs(*file)
		if err != nil {
			return err
		}
		if root := env.FS.Path("/"); root != "/" {
			if abs, err = filepath.Rel(root, abs); err != nil {
				return err
			}
		}
		*file = abs
	}
	return nil
}

// by returns the operator's name as USER@HOST. The user is the caller of sudo, or else
// the current user.
func by() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); err == nil && name == "" {
		name = u.Username
	}
	if name == "" {
		name = fmt.Sprint("uid ", os.Getuid())
	}
	hostname, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + hostname
}
