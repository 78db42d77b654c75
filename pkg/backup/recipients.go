package backup

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// Recipients returns to whom a snapshot is sealed: the boot servers lrns with a
// record that roots vouch for, the recovery keys, and own, the server that takes
// it.  What is wrong with a server's record shuts out that server, and keeps no
// backup from being made; a list of recovery keys that nobody vouches for does:
// whoever has written it wants to read the backups, or nobody else to.
func Recipients(ctx context.Context, etcd clientv3.KV, roots *x509.CertPool, lrns []int, own string, now time.Time) (all []string, shutOut, err error) {
	if all, err = vaultkey.Recovery(ctx, etcd, roots); err != nil {
		return nil, nil, err
	}
	all = append(all, own)
	var errs []error
	for _, lrn := range lrns {
		recipient, err := vaultkey.HostRecipient(ctx, etcd, roots, lrn, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, recipient)
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(errs...), nil
}
