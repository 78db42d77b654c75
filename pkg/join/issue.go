package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
)

// MinTTL and MaxTTL are the shortest and the longest lifetime of a join token.
const (
	MinTTL = time.Minute
	MaxTTL = 24 * time.Hour
)

// Issuer issues, lists and revokes join tokens on a boot server of the data centre.
type Issuer struct {
	// Etcd is namespaced at Neco's prefix. Vault is logged in as an operator.
	Etcd  *clientv3.Client
	Vault *api.Client
	// CA is the certificate, in PEM, of the CA that signs the server certificates.
	CA []byte
	// By is the name of the operator, for the records of tokens.
	By  string
	Now func() time.Time
}

// Issue returns a token with which the boot server s can join within the time ttl. It
// revokes an earlier token for s and creates the approle and policy of s in Vault,
// which permit only certificates for the names of s. Issue may be repeated after an
// error.
func (i Issuer) Issue(ctx context.Context, s pki.Subject, ttl time.Duration) (Token, error) {
	if err := s.Check(); err != nil {
		return Token{}, err
	}
	if ttl < MinTTL || ttl > MaxTTL {
		return Token{}, fmt.Errorf("the lifetime of a join token is %s to %s, not %s", duration.Text(MinTTL), duration.Text(MaxTTL), duration.Text(ttl))
	}
	pin, err := pinOf(i.CA)
	if err != nil {
		return Token{}, err
	}
	version, err := i.version(ctx, s.LRN)
	if err != nil {
		return Token{}, err
	}
	if err := i.admit(ctx, s); err != nil {
		return Token{}, err
	}
	if err := i.end(ctx, s.LRN); err != nil {
		return Token{}, err
	}
	role, err := vault.RoleID(ctx, i.Vault, s.LRN)
	if err != nil {
		return Token{}, err
	}
	expires := i.Now().Add(ttl).UTC().Truncate(time.Second)
	t, err := vault.NewJoinToken(ctx, i.Vault, s.LRN, ttl)
	if err != nil {
		return Token{}, err
	}
	r := Record{LRN: s.LRN, HostName: s.HostName, Accessor: t.Accessor, Expires: expires, By: i.By}
	if err := putRecord(ctx, i.Etcd, r); err != nil {
		// Without a record, nobody could list or revoke the token.
		return Token{}, errors.Join(err, vault.RevokeAccessor(ctx, i.Vault, t.Accessor))
	}
	return Token{
		LRN: s.LRN, HostName: s.HostName, Bastion: s.Bastion, RoleID: role, Secret: t.Secret,
		Pin: pin, Version: version, Expires: expires,
	}, nil
}

// version returns the version of neco in the data centre. If the boot server lrn is
// registered already, it returns ErrRegistered.
func (i Issuer) version(ctx context.Context, lrn int) (string, error) {
	snap, err := storage.New(i.Etcd).Snapshot(ctx)
	if err != nil {
		return "", err
	}
	if slices.Contains(snap.Registered, lrn) {
		return "", fmt.Errorf("boot server %d: %w", lrn, ErrRegistered)
	}
	return runs(snap)
}

// admit creates the approle and policies of the boot server s in Vault. It revokes the
// secret IDs of an earlier server with the same LRN.
func (i Issuer) admit(ctx context.Context, s pki.Subject) error {
	policy, err := vault.BootPolicy(s)
	if err != nil {
		return err
	}
	if err := vault.PutPolicies(ctx, i.Vault, map[string]string{vault.BootRole(s.LRN): policy}); err != nil {
		return err
	}
	if err := vault.PutBootRole(ctx, i.Vault, s.LRN); err != nil {
		return err
	}
	if err := vault.RetireSecrets(ctx, i.Vault, s.LRN); err != nil {
		return err
	}
	// The joining server creates its users of etcd itself, after it has used the
	// token. Until then etcd refuses the certificates of an earlier server of that
	// LRN.
	return vault.AllowEnter(ctx, i.Vault, s.LRN)
}

// enter creates the users in etcd as which the programs of this server will log in.
func enter(ctx context.Context, r *run) error {
	etcd, err := operatorEtcd(ctx, r.vault, r.LRNs, r.ca)
	if err != nil {
		return err
	}
	defer etcd.Close()
	for _, u := range etcdauth.ServerUsers(r.Self.LRN) {
		if _, err := etcdauth.EnsureUser(ctx, etcd, u); err != nil {
			return err
		}
	}
	return nil
}

// runs returns the version of neco in the data centre: the version of the current
// update request or, without a request, of the release that is stored in etcd.
func runs(snap *storage.Snapshot) (string, error) {
	switch {
	case snap.Request != nil:
		return snap.Request.Version, nil
	case snap.Release != "":
		return snap.Release, nil
	}
	return "", errors.New("the version of neco in the data centre is not in etcd")
}

// end revokes the token for the boot server lrn, if there is one.
func (i Issuer) end(ctx context.Context, lrn int) error {
	all, err := records(ctx, i.Etcd)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.LRN != lrn {
			continue
		}
		if err := vault.RevokeAccessor(ctx, i.Vault, r.Accessor); err != nil {
			return err
		}
	}
	return removeRecord(ctx, i.Etcd, lrn)
}

// State is the state of a join token.
type State string

// These constants are the states of a join token. A token that was revoked in Vault
// directly is Used, too, because Vault does not distinguish the two.
const (
	Waiting State = "waiting"
	Expired State = "expired"
	Used    State = "used"
)

// Listed is the record of a join token with the token's current state.
type Listed struct {
	Record
	State State `json:"state"`
}

// List returns the tokens of servers that have not joined yet, including tokens that
// are expired or used.
func (i Issuer) List(ctx context.Context) ([]Listed, error) {
	all, err := records(ctx, i.Etcd)
	if err != nil {
		return nil, err
	}
	list := []Listed{}
	for _, r := range all {
		lives, err := vault.TokenExists(ctx, i.Vault, r.Accessor)
		if err != nil {
			return nil, err
		}
		l := Listed{r, Used}
		switch {
		case !i.Now().Before(r.Expires):
			l.State = Expired
		case lives:
			l.State = Waiting
		}
		list = append(list, l)
	}
	return list, nil
}

// Find returns the record of the token whose LRN or accessor is name. It returns an
// error if there is no such token.
func (i Issuer) Find(ctx context.Context, name string) (Record, error) {
	all, err := records(ctx, i.Etcd)
	if err != nil {
		return Record{}, err
	}
	for _, r := range all {
		if r.Accessor == name || fmt.Sprint(r.LRN) == name {
			return r, nil
		}
	}
	return Record{}, fmt.Errorf("there is no join token %s", name)
}

// Revoke revokes the token of the record r and deletes the record. Unless the server of
// r is registered, it also deletes the server's users of etcd and its approle.
func (i Issuer) Revoke(ctx context.Context, r Record) error {
	if err := vault.RevokeAccessor(ctx, i.Vault, r.Accessor); err != nil {
		return err
	}
	snap, err := storage.New(i.Etcd).Snapshot(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(snap.Registered, r.LRN) {
		if err := revokeRights(ctx, i.Etcd, i.Vault, r.LRN); err != nil {
			return err
		}
	}
	return removeRecord(ctx, i.Etcd, r.LRN)
}

// revokeRights deletes the users of etcd, the approle and the policies of the boot
// server lrn.
func revokeRights(ctx context.Context, etcd *clientv3.Client, v *api.Client, lrn int) error {
	if err := retry.Passing(ctx, nil, func() error { return etcdauth.DeleteServer(ctx, etcd, lrn) }); err != nil {
		return err
	}
	if err := vault.RetireSecrets(ctx, v, lrn); err != nil {
		return err
	}
	if err := vault.DeleteBootRole(ctx, v, lrn); err != nil {
		return err
	}
	return vault.DeleteJoinPolicy(ctx, v, lrn)
}
