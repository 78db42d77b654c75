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
// it.  What is wrong with a server's record is an error beside them: it shuts
// out that server, and keeps no backup from being made.
func Recipients(ctx context.Context, etcd clientv3.KV, roots *x509.CertPool, lrns []int, own string, now time.Time) ([]string, error) {
	all, err := vaultkey.Recovery(ctx, etcd)
	errs := []error{err}
	all = append(all, own)
	for _, lrn := range lrns {
		some, err := vaultkey.Recipients(ctx, etcd, roots, []int{lrn}, now)
		errs = append(errs, err)
		all = append(all, some...)
	}
	slices.Sort(all)
	return slices.Compact(all), errors.Join(errs...)
}
