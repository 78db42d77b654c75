package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// vaultLock is the prefix of the etcd keys with which Vault elects its active node.
const vaultLock = neco.VaultPrefix + "core/lock/"

// freeLocks revokes the leases of the locks that the leaving server holds or waits for.
// Its programs could otherwise keep the leases alive, although etcd refuses all their
// other requests.
func (d Departure) freeLocks(ctx context.Context) error {
	if err := d.freeVault(ctx); err != nil {
		return err
	}
	return d.freeNeco(ctx)
}

// freeVault revokes the leases of all standby Vaults, because their election keys do
// not show to which server they belong. The standbys of the remaining servers create
// new keys within seconds. The key of the server that has left would block the election
// as soon as it became the oldest.
func (d Departure) freeVault(ctx context.Context) error {
	all := clientv3.NewKV(d.Etcd) // not namespaced
	res, err := all.Get(ctx, vaultLock, clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	if err != nil {
		return fmt.Errorf("read %s: %w", vaultLock, err)
	}
	var leases []int64
	for _, kv := range res.Kvs[min(1, len(res.Kvs)):] {
		leases = append(leases, kv.Lease)
	}
	return d.revoke(ctx, leases)
}

// freeNeco revokes the leases of neco-worker and neco-updater on the leaving server:
// the leases of their locks and of the server's presence.
func (d Departure) freeNeco(ctx context.Context) error {
	name := d.hostName(ctx)
	var leases []int64
	for _, prefix := range []string{storage.PresenceKey(d.LRN), storage.KeyWorkerLock, storage.KeyUpdaterLeader} {
		res, err := d.Etcd.Get(ctx, prefix, clientv3.WithPrefix())
		if err != nil {
			return fmt.Errorf("read %s: %w", prefix, err)
		}
		for _, kv := range res.Kvs {
			value := string(kv.Value)
			own := string(kv.Key) == storage.PresenceKey(d.LRN) ||
				prefix == storage.KeyWorkerLock && value == strconv.Itoa(d.LRN) ||
				prefix == storage.KeyUpdaterLeader && value == name && name != ""
			if own {
				leases = append(leases, kv.Lease)
			}
		}
	}
	return d.revoke(ctx, leases)
}

// hostName returns the host name in the server's host key record, or "" if it cannot
// read the record. Without the name, freeNeco cannot find the leadership of the
// server's neco-updater; the leadership then ends with its lease, within a minute.
func (d Departure) hostName(ctx context.Context) string {
	res, err := d.Etcd.Get(ctx, vaultkey.KeyHosts+strconv.Itoa(d.LRN))
	if err != nil || len(res.Kvs) == 0 {
		return ""
	}
	r, err := hostkey.Parse(res.Kvs[0].Value)
	if err != nil {
		return ""
	}
	cert, err := pki.ParseCert([]byte(r.Certificate))
	if err != nil {
		return ""
	}
	return cert.Subject.CommonName
}

func (d Departure) revoke(ctx context.Context, leases []int64) error {
	slices.Sort(leases)
	for _, id := range slices.Compact(leases) {
		if id == 0 {
			continue
		}
		if _, err := d.Etcd.Revoke(ctx, clientv3.LeaseID(id)); err != nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return fmt.Errorf("end lease %x: %w", id, err)
		}
	}
	return nil
}
