package join

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/stage"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// certificates obtains, from Vault, the signed certificates that every boot server
// needs. Then it creates this server's users in etcd and revokes the Vault token with
// which it was logged in.
func certificates(ctx context.Context, r *run) error {
	for _, p := range renewal.Standing() {
		if r.server().Good(p) {
			continue
		}
		err := r.server().Renew(ctx, r.vault, p)
		if vault.Denied(err) {
			return fmt.Errorf("%w: %w", pki.ErrCSRRefused, err)
		}
		if err != nil {
			return err
		}
	}
	if err := enter(ctx, r); err != nil {
		return err
	}
	// It is retried here, because a retry of the whole stage would need the token.
	return retry.Passing(ctx, nil, func() error { return vault.Revoke(ctx, r.vault) })
}

// openEtcd connects to etcd with this server's certificate and blocks until etcd
// accepts it. Then it compares the versions of neco again, because an update may have
// changed the version of the data centre.
func openEtcd(ctx context.Context, r *run) error {
	conf := neco.EtcdConfig{
		Endpoints: neco.EtcdEndpoints(r.LRNs), Prefix: neco.NecoPrefix, Timeout: "2s",
		TLSCAFile:   r.FS.Path(neco.ServerCAFile),
		TLSCertFile: r.FS.Path(neco.NecoCertFile), TLSKeyFile: r.FS.Path(neco.NecoKeyFile),
	}
	client, err := conf.Client()
	if err != nil {
		return err
	}
	r.etcd = client
	var snap *storage.Snapshot
	err = retry.Until(ctx, func() (err error) { // until all members have applied this server's users
		snap, err = storage.New(client).Snapshot(ctx)
		return err
	})
	if err != nil {
		return err
	}
	version, err := runs(snap)
	if err != nil {
		return err
	}
	r.members = snap.Registered
	return sameVersion(r.Version, version)
}

// hostKey publishes the record of this server's host key, signed with the key of its
// certificate. In the next update, the other servers encrypt Vault's unseal key to the
// host key, too.
func hostKey(ctx context.Context, r *run) error {
	id, err := hostkey.Load(ctx, r.FS)
	if err != nil {
		return err
	}
	record, err := r.server().HostKey(id)
	if err != nil {
		return err
	}
	return vaultkey.PutHostKey(ctx, r.etcd, record)
}

// startDaemons writes the configuration of Neco's daemons and starts them. This comes
// before the registration, because an update waits for the daemons of every registered
// server.
func startDaemons(ctx context.Context, r *run) error {
	file, err := etcd.NecoConfig(slices.DeleteFunc(slices.Clone(r.members), func(n int) bool { return n == r.Self.LRN }))
	if err != nil {
		return err
	}
	if _, err := r.FS.Write(file); err != nil {
		return err
	}
	return setup.StartDaemons(ctx, r.Units)
}

// register registers this server in etcd. neco-updater then starts an update.
func register(ctx context.Context, r *run) error {
	return storage.New(r.etcd).Register(ctx, r.Self.LRN)
}

// finish deletes the record of the token from etcd, then Dir and the token file from
// the disk.
func (r *run) finish(ctx context.Context) error {
	forget := stage.Stage[*run]{Name: stageEnd, Deadline: time.Minute, Act: func(ctx context.Context, r *run) error {
		return removeRecord(ctx, r.etcd, r.Self.LRN)
	}}
	if err := r.runner().Do(ctx, forget); err != nil {
		return err
	}
	if err := r.FS.RemoveDir(Dir); err != nil {
		return err
	}
	if err := r.forgetToken(); err != nil {
		return err
	}
	r.lines.Say(stageEnd, "boot server %d is registered; the next update makes it a member of etcd, takes its first snapshot and starts its Vault: neco status --wait", r.Self.LRN)
	return nil
}

// forgetToken removes the token file, if there is one.
func (r *run) forgetToken() error {
	if r.TokenFile == "" {
		return nil
	}
	return r.FS.Remove(r.TokenFile)
}
