package storage

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// ErrBootstrapped reports that etcd already contains a request for an update, so that
// the data centre cannot be set up again.
var ErrBootstrapped = errors.New("the data centre has a request already")

// Bootstrap registers the boot servers of r, records r's version as the newest known
// release, and requests r as the first run, in one transaction. It returns
// ErrBootstrapped if there is a request already.
func (s *Storage) Bootstrap(ctx context.Context, r *update.Request, by string) error {
	v, err := encodeRequest(r)
	if err != nil {
		return err
	}
	begin, err := beginRun(r, Origin{Kind: KindSetup, By: by})
	if err != nil {
		return err
	}
	ops := []clientv3.Op{clientv3.OpPut(KeyRelease, r.Version), clientv3.OpPut(KeyRequest, v), begin}
	for _, lrn := range r.Servers {
		ops = append(ops, clientv3.OpPut(BootServerKey(lrn), ""))
	}
	res, err := s.etcd.Txn(ctx).If(unchanged(KeyRequest, 0)).Then(ops...).Commit()
	if err != nil {
		return fmt.Errorf("register the boot servers: %w", err)
	}
	if !res.Succeeded {
		return fmt.Errorf("register the boot servers: %w", ErrBootstrapped)
	}
	return nil
}
