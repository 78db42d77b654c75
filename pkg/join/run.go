package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/stage"
)

// lockFile keeps two joins on one server apart.
const lockFile = "/var/lib/neco/join.lock"

// lockTimeout bounds the wait for another join on this server to end.
const lockTimeout = time.Second

// run is a join that is under way.
type run struct {
	Options
	lines    *stage.Lines
	progress *progress
	// ca is the certificate of the authority for servers, which is to be trusted.
	ca []byte
	// addr is the Vault that is asked.
	addr  string
	vault *api.Client
	etcd  *clientv3.Client
	// members are the registered boot servers.
	members []int
}

// Names of the stages.
var (
	stagePreflight    = stage.NewName("preflight")
	stageTrust        = stage.NewName("trust")
	stageLogin        = stage.NewName("login")
	stageAuthorities  = stage.NewName("authorities")
	stageCertificates = stage.NewName("certificates")
	stageEtcd         = stage.NewName("etcd")
	stageHostKey      = stage.NewName("host-key")
	stageDaemons      = stage.NewName("daemons")
	stageRegister     = stage.NewName("register")
	stageEnd          = stage.NewName("end")
)

// table lists the stages of a join.  Those that may ask the operator for a password
// are not retried.
func table() stage.Table[*run] {
	const minute = time.Minute
	return stage.Table[*run]{
		{Name: stagePreflight, Says: "look whether this server is ready", Deadline: minute, Check: true, NoRetry: true, Act: preflight},
		{Name: stageTrust, Says: "find a Vault of the data centre", Deadline: 2 * minute, Check: true, NoRetry: true, Act: findVault},
		{Name: stageLogin, Says: "register with Vault", Deadline: 2 * minute, NoRetry: true, Act: logIn},
		{Name: stageAuthorities, Says: "fetch the other authorities", Deadline: minute, Act: fetchAuthorities},
		{Name: stageCertificates, Says: "have certificates signed", Deadline: 3 * minute, Act: certificates},
		{Name: stageEtcd, Says: "look whether etcd lets this server in", Deadline: 2 * minute, Act: openEtcd},
		{Name: stageHostKey, Says: "tell to whom this server's secrets are sealed", Deadline: minute, Act: hostKey},
		{Name: stageDaemons, Says: "start Neco's daemons and the backups", Deadline: 2 * minute, Act: startDaemons},
		{Name: stageRegister, Says: "register this server", Deadline: minute, Act: register},
	}
}

// Stages are the names of the stages, in order.
func Stages() []string { return table().Names() }

// Run takes this server into the data centre.  It blocks until that is done or
// ctx ends.  Run again after an error or a kill, it finishes, with the same
// token.  etcd and Vault come with the next update, which neco-updater orders
// because of the registration.
func Run(ctx context.Context, o Options) error {
	if slices.Contains(o.LRNs, o.Self.LRN) {
		return fmt.Errorf("boot server %d is this one: give those that run", o.Self.LRN)
	}
	if len(o.LRNs) == 0 {
		return errors.New("give the LRN of at least one boot server that runs")
	}
	lock, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	acquire := o.FS.Lock
	if o.CheckOnly {
		acquire = o.FS.LockIfPresent
	}
	release, err := acquire(lock, lockFile)
	if err != nil {
		return fmt.Errorf("another neco join runs on this server: %w", err)
	}
	defer release()
	r := &run{Options: o, lines: &stage.Lines{Out: o.Out, Now: o.Now}}
	defer r.end()
	if done, err := r.begin(); err != nil || done {
		return err
	}
	if err := r.runner().Run(ctx); err != nil || o.CheckOnly {
		return err
	}
	return r.finish(ctx)
}

// begin takes up what an earlier try has left; done says that this server has
// joined already.
func (r *run) begin() (done bool, err error) {
	r.progress, err = loadProgress(r.FS)
	if err != nil {
		return false, err
	}
	if r.progress == nil && exists(r.FS, neco.NecoConfFile) {
		fmt.Fprintln(r.Out, "This server is one of a data centre already; see neco status. If it has left: neco reset.")
		if r.CheckOnly {
			return true, nil
		}
		return true, r.forgetToken()
	}
	return false, nil
}

// end lets go of what the run has open.
func (r *run) end() {
	if r.etcd != nil {
		r.etcd.Close()
	}
}

// runner goes through the stages.
func (r *run) runner() *stage.Runner[*run] {
	return &stage.Runner[*run]{On: r, Stages: table(), Out: r.lines, Now: r.Now, CheckOnly: r.CheckOnly}
}

// server is this boot server as the owner of certificates.
func (r *run) server() renewal.Server {
	return renewal.Server{FS: r.FS, Subject: r.Self, Now: r.Now}
}

// preflight looks whether this server could be one of the data centre, and the
// token for it.
func preflight(ctx context.Context, r *run) error {
	if r.Token != nil {
		if err := r.tokenFits(); err != nil {
			return err
		}
	} else if _, err := checkAuthority(pki.ServerCA, r.CA); err != nil {
		return err
	}
	p := setup.Preflight{Host: r.Host, LRN: r.Self.LRN, HostName: r.Self.HostName, Began: r.progress != nil, Joins: true}
	return errors.Join(setup.Find(ctx, p.Checks())...)
}

// tokenFits: once a try has got its certificates the token's time is of no
// account any more.
func (r *run) tokenFits() error {
	err := r.Token.For(r.Self, r.Version, r.Now())
	if errors.Is(err, ErrTokenExpired) && r.server().Good(purposeNeco()) {
		return nil
	}
	return err
}

func purposeNeco() pki.Purpose {
	p, _ := pki.Find(program.Neco) // it is in the table
	return p
}
