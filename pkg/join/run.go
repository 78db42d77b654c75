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
	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup"
)

// lockFile keeps two joins on one server apart.
const lockFile = "/var/lib/neco/join.lock"

// lockTimeout bounds the wait for another join on this server to end.
const lockTimeout = time.Second

// run is a join that is under way.
type run struct {
	Options
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

// stage is a row of the table.  All are idempotent.
type stage struct {
	name, says string
	deadline   time.Duration
	do         func(ctx context.Context, r *run) error
}

// checks is how many stages at the beginning change nothing; asks how many are not
// tried again by themselves, for they may ask the operator for a password.
const checks, asks = 2, 3

func table() []stage {
	return []stage{
		{"preflight", "look whether this server is ready", time.Minute, preflight},
		{"trust", "find a Vault of the data centre", 2 * time.Minute, findVault},
		{"login", "register with Vault", 2 * time.Minute, logIn},
		{"authorities", "fetch the other authorities", time.Minute, fetchAuthorities},
		{"certificates", "have certificates signed", 3 * time.Minute, certificates},
		{"etcd", "look whether etcd lets this server in", 2 * time.Minute, openEtcd},
		{"host-key", "tell to whom this server's secrets are sealed", time.Minute, hostKey},
		{"daemons", "start Neco's daemons and the backups", 2 * time.Minute, startDaemons},
		{"register", "register this server", time.Minute, register},
	}
}

// Stages are the names of the stages, in order.
func Stages() []string {
	var names []string
	for _, s := range table() {
		names = append(names, s.name)
	}
	return names
}

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
	r := &run{Options: o}
	defer r.end()
	if done, err := r.begin(); err != nil || done {
		return err
	}
	if err := r.stages(ctx); err != nil || o.CheckOnly {
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

// stages goes through the table.
func (r *run) stages(ctx context.Context) error {
	rows := table()
	if r.CheckOnly {
		rows = rows[:checks]
	}
	for n, s := range rows {
		start := r.Now()
		r.say(s.name, "%s", s.says)
		if err := r.stage(ctx, n, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.say(s.name, "done (%s)", duration.Text(r.Now().Sub(start).Round(10*time.Millisecond)))
	}
	return nil
}

// stage is one row, by its deadline.
func (r *run) stage(ctx context.Context, n int, s stage) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.deadline,
		fmt.Errorf("took longer than %s: %w", s.deadline, context.DeadlineExceeded))
	defer cancel()
	if n < asks {
		return s.do(ctx, r)
	}
	late := func(err error) { r.say(s.name, "tries again: %s", errtext.Of(err)) }
	return retry.Passing(ctx, late, func() error { return s.do(ctx, r) })
}

// say tells the operator something of a stage.
func (r *run) say(stage, format string, args ...any) {
	fmt.Fprintf(r.Out, "%s  %-12s  %s\n", r.Now().Format("15:04:05"), stage, printable.Line(fmt.Sprintf(format, args...)))
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
	return setup.Ready(ctx, setup.Options{Host: r.Host, LRN: r.Self.LRN, HostName: r.Self.HostName, Now: r.Now}, r.progress != nil)
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
