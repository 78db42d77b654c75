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

// Recipients returns the recipients of a snapshot: the public keys of the boot servers
// lrns, the recovery keys, and own, the public key of the server that takes the
// snapshot. It leaves out a server whose record is absent or not signed by a CA in
// roots, and adds an error for the server to shutOut.
//
// If the list of recovery keys is not validly signed, Recipients returns err: the list
// may be an attempt to read the backups, or to make them unreadable.
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
