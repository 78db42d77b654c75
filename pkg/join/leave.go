package join

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/stage"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// leavingKey is there from before a boot server is taken out until nothing of it is
// left.
func leavingKey(lrn int) string { return storage.KeyLeaving + strconv.Itoa(lrn) }

// Departure takes away what a boot server could do that leaves.
type Departure struct {
	// LRN leaves, Remaining stay.
	LRN       int
	Remaining []int
	// Etcd is namespaced at Neco's prefix; Vault is logged in as an operator.
	Etcd  *clientv3.Client
	Vault *api.Client
	// Identity opens what is sealed to the server where this runs, which stays.
	Identity hostkey.Identity
	// Roots vouch for the records of host keys.
	Roots *x509.CertPool
	// Unregister removes the registration; nil if it is gone: an earlier attempt is
	// finished.  It is retried, and prints what it has done.
	Unregister func(context.Context) error
	Out        io.Writer
	Now        func() time.Time
}

// Leaving says whether an earlier try has begun to take lrn out.
func Leaving(ctx context.Context, etcd clientv3.KV, lrn int) (bool, error) {
	res, err := etcd.Get(ctx, leavingKey(lrn))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", leavingKey(lrn), err)
	}
	return len(res.Kvs) > 0, nil
}

// Names of the stages of a departure.
var (
	stageCheck      = stage.NewName("check")
	stageHandOver   = stage.NewName("hand-over")
	stageBegin      = stage.NewName("begin")
	stageUnregister = stage.NewName("unregister")
	stageUsers      = stage.NewName("users")
	stageLocks      = stage.NewName("locks")
	stageRole       = stage.NewName("role")
	stageKeys       = stage.NewName("keys")
	stageRekey      = stage.NewName("rekey")
	stageRoot       = stage.NewName("root")
	stageForget     = stage.NewName("forget")
)

// departure lists the stages of a departure.  Their acts print what they have done.
// The deadlines leave time for etcd and Vault to elect: the server that leaves may
// be the one that has failed.
func departure() stage.Table[Departure] {
	const patience = 2 * time.Minute
	return stage.Table[Departure]{
		{Name: stageCheck, Deadline: patience, Skip: Departure.gone, Act: checkDeparture},
		{Name: stageHandOver, Deadline: patience, Skip: Departure.gone, Act: handOver},
		{Name: stageBegin, Deadline: patience, Skip: Departure.gone, Act: putLeaving},
		{Name: stageUnregister, Deadline: patience, Skip: Departure.gone, Act: unregister},
		{Name: stageUsers, Deadline: patience, Act: says("its users of etcd are deleted", Departure.deleteUsers)},
		{Name: stageLocks, Deadline: patience, Act: says("its places in all queues are free", Departure.freeLocks)},
		{Name: stageRole, Deadline: patience, Act: says("its approle and its policies are deleted", Departure.deleteRole)},
		{Name: stageKeys, Deadline: patience, Act: says("its host key is forgotten", Departure.forgetKeys)},
		{Name: stageRekey, Deadline: patience, Act: tells(Departure.rekey)},
		{Name: stageRoot, Deadline: patience, Act: tells(Departure.endRoot)}, // the last of Vault: it may be the operator's
		{Name: stageForget, Deadline: patience, Act: forgetLeaving},
	}
}

// Run takes the server out: it makes sure that all can be done, hands the active
// Vault over to a server that stays, records that the server is leaving, removes
// its registration and ends everything that it could do.  Run may be repeated after
// an error or a kill.  Where the server stays after all, the record has no meaning.
// Transient errors are retried within the deadline of each stage.
func (d Departure) Run(ctx context.Context) error { return d.runner().Run(ctx) }

func (d Departure) runner() *stage.Runner[Departure] {
	return &stage.Runner[Departure]{On: d, Stages: departure(), Out: stage.Plain{Out: d.Out}, Now: d.Now}
}

// Unfinished reports whether the error is of a departure that has removed the
// registration, and that has to be run again.
func Unfinished(err error) bool {
	var at *stage.Error
	return errors.As(err, &at) && departure().Index(at.Stage) > departure().Index(stageUnregister)
}

// gone returns why the stages up to the removal of the registration are not needed.
func (d Departure) gone() string {
	if d.Unregister == nil {
		return "the registration is removed"
	}
	return ""
}

// checkDeparture makes sure that all can be done.
func checkDeparture(ctx context.Context, d Departure) error {
	if _, err := d.recipients(ctx); err != nil {
		return err
	}
	if _, err := vaultkey.UnsealKeys(ctx, d.Etcd, d.Identity); err != nil && !errors.Is(err, vaultkey.ErrAbsent) {
		return err
	}
	if _, err := vaultkey.Root(ctx, d.Etcd, d.Identity); err != nil && !errors.Is(err, vaultkey.ErrAbsent) {
		return err
	}
	works, err := vault.TokenWorks(ctx, d.Vault)
	if err == nil && !works {
		err = ErrVaultToken
	}
	return err
}

func handOver(ctx context.Context, d Departure) error { return vault.HandOver(ctx, d.Vault, d.LRN) }

func putLeaving(ctx context.Context, d Departure) error {
	if _, err := d.Etcd.Put(ctx, leavingKey(d.LRN), ""); err != nil {
		return fmt.Errorf("write %s: %w", leavingKey(d.LRN), err)
	}
	return nil
}

func unregister(ctx context.Context, d Departure) error { return d.Unregister(ctx) }

// forgetLeaving deletes the record of putLeaving.
func forgetLeaving(ctx context.Context, d Departure) error {
	if _, err := d.Etcd.Delete(ctx, leavingKey(d.LRN)); err != nil {
		return fmt.Errorf("delete %s: %w", leavingKey(d.LRN), err)
	}
	return nil
}

// tells makes an act that prints what do returns.
func tells(do func(Departure, context.Context) (string, error)) func(context.Context, Departure) error {
	return func(ctx context.Context, d Departure) error {
		text, err := do(d, ctx)
		if err == nil && text != "" {
			fmt.Fprintln(d.Out, text)
		}
		return err
	}
}

// says makes an act that prints the text when do has succeeded.
func says(text string, do func(Departure, context.Context) error) func(context.Context, Departure) error {
	return tells(func(d Departure, ctx context.Context) (string, error) { return text, do(d, ctx) })
}

func (d Departure) deleteUsers(ctx context.Context) error {
	return etcdauth.DeleteServer(ctx, d.Etcd, d.LRN)
}

func (d Departure) deleteRole(ctx context.Context) error {
	return revokeRights(ctx, d.Etcd, d.Vault, d.LRN)
}

func (d Departure) forgetKeys(ctx context.Context) error {
	i := Issuer{Etcd: d.Etcd, Vault: d.Vault, Now: d.Now}
	if err := i.end(ctx, d.LRN); err != nil {
		return err
	}
	return vaultkey.RemoveHostKey(ctx, d.Etcd, d.LRN)
}

// recipients are those to whom secrets are sealed from now on.
func (d Departure) recipients(ctx context.Context) ([]string, error) {
	stay := slices.DeleteFunc(slices.Clone(d.Remaining), func(n int) bool { return n == d.LRN })
	return vaultkey.Recipients(ctx, d.Etcd, d.Roots, stay, d.Now())
}
