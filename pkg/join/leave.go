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

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// keyLeaving is there from before a boot server is taken out until nothing of
// it is left.
const keyLeaving = "leaving/"

func leavingKey(lrn int) string { return keyLeaving + strconv.Itoa(lrn) }

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
	Out   io.Writer
	Now   func() time.Time
}

// Leaving says whether an earlier try has begun to take lrn out.
func Leaving(ctx context.Context, etcd clientv3.KV, lrn int) (bool, error) {
	res, err := etcd.Get(ctx, leavingKey(lrn))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", leavingKey(lrn), err)
	}
	return len(res.Kvs) > 0, nil
}

// Begin makes sure that all can be done, hands the active Vault over to a
// server that stays, and records that lrn is leaving.  Its registration has to
// be removed afterwards, and then Finish called; where the server stays after
// all, the record has no meaning.  Begin waits like Finish.
func (d Departure) Begin(ctx context.Context) error {
	return d.Passing(ctx, func() error { return d.begin(ctx) })
}

func (d Departure) begin(ctx context.Context) error {
	if _, err := d.recipients(ctx); err != nil {
		return err
	}
	if _, err := vaultkey.UnsealKeys(ctx, d.Etcd, d.Identity); err != nil && !errors.Is(err, vaultkey.ErrAbsent) {
		return err
	}
	if _, err := vaultkey.Root(ctx, d.Etcd, d.Identity); err != nil && !errors.Is(err, vaultkey.ErrAbsent) {
		return err
	}
	if works, err := vault.TokenWorks(ctx, d.Vault); err != nil {
		return err
	} else if !works {
		return ErrVaultToken
	}
	if err := vault.HandOver(ctx, d.Vault, d.LRN); err != nil {
		return err
	}
	if _, err := d.Etcd.Put(ctx, leavingKey(d.LRN), ""); err != nil {
		return fmt.Errorf("write %s: %w", leavingKey(d.LRN), err)
	}
	return nil
}

// Finish ends everything that the server could do.  It may be repeated, and
// repeats by itself, until ctx ends, what etcd or Vault do not take just then:
// the server may be the one that has failed.
func (d Departure) Finish(ctx context.Context) error {
	acts := []func(context.Context) (says string, err error){
		says("its users of etcd are deleted", d.deleteUsers),
		says("its places in all queues are free", d.freeLocks),
		says("its approle and its policies are deleted", d.deleteRole),
		says("its host key is forgotten", d.forgetKeys),
		d.rekey,
		d.endRoot, // the last: it may be the operator's
	}
	for _, act := range acts {
		var said string
		err := d.Passing(ctx, func() (err error) {
			said, err = act(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if said != "" {
			fmt.Fprintln(d.Out, said)
		}
	}
	return d.Passing(ctx, func() error { return d.forget(ctx) })
}

// forget the record of Begin.
func (d Departure) forget(ctx context.Context) error {
	if _, err := d.Etcd.Delete(ctx, leavingKey(d.LRN)); err != nil {
		return fmt.Errorf("delete %s: %w", leavingKey(d.LRN), err)
	}
	return nil
}

// Passing repeats f, until ctx ends, while what etcd or Vault do not take just then
// may pass, and tells why it takes its time.
func (d Departure) Passing(ctx context.Context, f func() error) error {
	late := func(err error) { fmt.Fprintf(d.Out, "tries again: %s\n", printable.Line(errtext.Of(err))) }
	return retry.Passing(ctx, late, f)
}

// says is an act that has one thing to say when it is done.
func says(text string, act func(context.Context) error) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return text, act(ctx) }
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
