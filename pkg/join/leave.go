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

// leavingKey returns the etcd key that exists while the departure of the boot server
// lrn is incomplete.
func leavingKey(lrn int) string { return storage.KeyLeaving + strconv.Itoa(lrn) }

// Departure revokes the access of a boot server that leaves the data centre.
type Departure struct {
	// LRN is the number of the server that leaves. Remaining are the numbers of the
	// other servers.
	LRN       int
	Remaining []int
	// Etcd is namespaced at Neco's prefix. Vault is logged in as an operator.
	Etcd  *clientv3.Client
	Vault *api.Client
	// Identity is the host key of the remaining server on which the departure runs.
	Identity hostkey.Identity
	// Roots contains the CA of the server certificates, with whose keys the records of
	// host keys are signed.
	Roots *x509.CertPool
	// Unregister removes the registration of the server and prints what it has done.
	// Transient errors are retried. It is nil if an earlier attempt has removed the
	// registration.
	Unregister func(context.Context) error
	Out        io.Writer
	Now        func() time.Time
}

// Leaving reports whether etcd has a record of an incomplete departure of the boot
// server lrn.
func Leaving(ctx context.Context, etcd clientv3.KV, lrn int) (bool, error) {
	res, err := etcd.Get(ctx, leavingKey(lrn))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", leavingKey(lrn), err)
	}
	return len(res.Kvs) > 0, nil
}

// These variables are the names of the stages of a departure: the revocation of a boot
// server's access.
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

// departure returns the stages of a departure. Each deadline leaves time for elections
// of etcd and Vault, because the server that leaves may have failed.
func departure() stage.Table[Departure] {
	const patience = 2 * time.Minute
	return stage.Table[Departure]{
		{Name: stageCheck, Deadline: patience, Skip: Departure.unregistered, Act: checkDeparture},
		{Name: stageHandOver, Deadline: patience, Skip: Departure.unregistered, Act: handOver},
		{Name: stageBegin, Deadline: patience, Skip: Departure.unregistered, Act: putLeaving},
		{Name: stageUnregister, Deadline: patience, Skip: Departure.unregistered, Act: unregister},
		{Name: stageUsers, Deadline: patience, Act: printing("its users of etcd are deleted", Departure.deleteUsers)},
		{Name: stageLocks, Deadline: patience, Act: printing("its locks and its presence are released", Departure.freeLocks)},
		{Name: stageRole, Deadline: patience, Act: printing("its approle and its policies are deleted", Departure.deleteRole)},
		{Name: stageKeys, Deadline: patience, Act: printing("its host key is deleted", Departure.forgetKeys)},
		{Name: stageRekey, Deadline: patience, Act: printingResult(Departure.rekey)},
		{Name: stageRoot, Deadline: patience, Act: printingResult(Departure.endRoot)}, // the last request to Vault: the operator may use this token
		{Name: stageForget, Deadline: patience, Act: forgetLeaving},
	}
}

// Run revokes the access of the server. First it checks that every stage can succeed,
// makes a Vault on a remaining server the active one, and records the departure in
// etcd. Then it removes the registration of the server and deletes its users, locks,
// approle and host key. Last it replaces Vault's unseal key and revokes a root token
// that setup has kept. Transient errors are retried within the deadline of each stage.
//
// Run may be repeated after an error, or after its process was killed. The record of
// the departure has no effect while the server is still registered.
func (d Departure) Run(ctx context.Context) error { return d.runner().Run(ctx) }

func (d Departure) runner() *stage.Runner[Departure] {
	return &stage.Runner[Departure]{On: d, Stages: departure(), Out: stage.Plain{Out: d.Out}, Now: d.Now}
}

// Unfinished reports whether err is from a stage after the removal of the registration.
// In that case the departure must be run again.
func Unfinished(err error) bool {
	var at *stage.Error
	return errors.As(err, &at) && departure().Index(at.Stage) > departure().Index(stageUnregister)
}

// unregistered returns the reason to skip the stages up to the removal of the
// registration, or "" if they are not skipped.
func (d Departure) unregistered() string {
	if d.Unregister == nil {
		return "the registration is removed"
	}
	return ""
}

// checkDeparture fails unless the host key records of the remaining servers are valid,
// this server can decrypt the secrets in etcd, and Vault accepts the operator's token.
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

// forgetLeaving deletes the record of the departure from etcd.
func forgetLeaving(ctx context.Context, d Departure) error {
	if _, err := d.Etcd.Delete(ctx, leavingKey(d.LRN)); err != nil {
		return fmt.Errorf("delete %s: %w", leavingKey(d.LRN), err)
	}
	return nil
}

// printingResult returns a function for the Act of a stage: it calls do and prints the
// text that do returns, unless the text is empty.
func printingResult(do func(Departure, context.Context) (string, error)) func(context.Context, Departure) error {
	return func(ctx context.Context, d Departure) error {
		text, err := do(d, ctx)
		if err == nil && text != "" {
			fmt.Fprintln(d.Out, text)
		}
		return err
	}
}

// printing returns a function for the Act of a stage: it calls do and, if that
// succeeds, prints text.
func printing(text string, do func(Departure, context.Context) error) func(context.Context, Departure) error {
	return printingResult(func(d Departure, ctx context.Context) (string, error) { return text, do(d, ctx) })
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

// recipients returns the public keys of the remaining servers and the recovery keys, to
// which secrets are encrypted after the departure.
func (d Departure) recipients(ctx context.Context) ([]string, error) {
	stay := slices.DeleteFunc(slices.Clone(d.Remaining), func(n int) bool { return n == d.LRN })
	return vaultkey.Recipients(ctx, d.Etcd, d.Roots, stay, d.Now())
}
