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

// lockFile is locked during a join, so that only one join runs on a server at a time.
const lockFile = "/var/lib/neco/join.lock"

// lockTimeout is how long Run waits for lockFile before it fails.
const lockTimeout = time.Second

// run is one attempt of a join on this server.
type run struct {
	Options
	lines    *stage.Lines
	progress *progress
	// ca is the certificate of the CA of the server certificates. It is authenticated
	// by the token or given by the operator.
	ca []byte
	// addr is the URL of the Vault that the join uses.
	addr  string
	vault *api.Client
	etcd  *clientv3.Client
	// members are the registered boot servers.
	members []int
}

// These variables are the names of the stages of a join.
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

// table returns the stages of a join. A stage that may ask the operator for a password
// is not retried.
func table() stage.Table[*run] {
	const minute = time.Minute
	return stage.Table[*run]{
		{Name: stagePreflight, Says: "check whether this server is ready", Deadline: minute, Check: true, NoRetry: true, Act: preflight},
		{Name: stageTrust, Says: "find a Vault of the data centre", Deadline: 2 * minute, Check: true, NoRetry: true, Act: findVault},
		{Name: stageLogin, Says: "register with Vault", Deadline: 2 * minute, NoRetry: true, Act: logIn},
		{Name: stageAuthorities, Says: "install the certificates of the CAs", Deadline: minute, Act: fetchAuthorities},
		{Name: stageCertificates, Says: "have certificates signed", Deadline: 3 * minute, Act: certificates},
		{Name: stageEtcd, Says: "check whether etcd accepts this server", Deadline: 2 * minute, Act: openEtcd},
		{Name: stageHostKey, Says: "publish this server's host key", Deadline: minute, Act: hostKey},
		{Name: stageDaemons, Says: "start Neco's daemons and the backups", Deadline: 2 * minute, Act: startDaemons},
		{Name: stageRegister, Says: "register this server", Deadline: minute, Act: register},
	}
}

// Stages returns the names of the stages, in order.
func Stages() []string { return table().Names() }

// Run joins this server to the data centre. It blocks until the server is registered or
// ctx ends. If Run fails or its process is killed, call it again with the same token:
// it resumes.
//
// The registration makes neco-updater start an update. The update starts etcd and Vault
// on this server.
func Run(ctx context.Context, o Options) error {
	if slices.Contains(o.LRNs, o.Self.LRN) {
		return fmt.Errorf("boot server %d is this server: give the numbers of running boot servers", o.Self.LRN)
	}
	if len(o.LRNs) == 0 {
		return errors.New("give the LRN of at least one running boot server")
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

// begin loads the state of an earlier attempt. done is true if this server has already
// joined a data centre.
func (r *run) begin() (done bool, err error) {
	r.progress, err = loadProgress(r.FS)
	if err != nil {
		return false, err
	}
	if r.progress == nil && exists(r.FS, neco.NecoConfFile) {
		fmt.Fprintln(r.Out, "This server is in a data centre already; run neco status. If it has left, run neco reset.")
		if r.CheckOnly {
			return true, nil
		}
		return true, r.forgetToken()
	}
	return false, nil
}

// end closes the connection to etcd.
func (r *run) end() {
	if r.etcd != nil {
		r.etcd.Close()
	}
}

// runner returns a stage.Runner for the stages of the join.
func (r *run) runner() *stage.Runner[*run] {
	return &stage.Runner[*run]{On: r, Stages: table(), Out: r.lines, Now: r.Now, CheckOnly: r.CheckOnly}
}

// server returns this boot server for the functions of the package renewal.
func (r *run) server() renewal.Server {
	return renewal.Server{FS: r.FS, Subject: r.Self, Now: r.Now}
}

// preflight checks the token or, without a token, the certificate of the CA. Then it
// runs the checks of this server.
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

// tokenFits checks that the token is valid for this server. An expired token is
// accepted if an earlier attempt has installed this server's certificates.
func (r *run) tokenFits() error {
	err := r.Token.For(r.Self, r.Version, r.Now())
	if errors.Is(err, ErrTokenExpired) && r.server().Good(purposeNeco()) {
		return nil
	}
	return err
}

func purposeNeco() pki.Profile {
	p, _ := pki.Find(program.Neco) // it is in the table
	return p
}
