package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/stage"
	"github.com/cybozu-go/neco/pkg/storage"
)

// unsureKV is an etcd client whose first conditional write fails as if etcd were electing
// a leader.
type unsureKV struct {
	clientv3.KV
	// commit performs that first write and returns the error for it.
	commit func(clientv3.Txn) (*clientv3.TxnResponse, error)
}

func (k *unsureKV) Txn(ctx context.Context) clientv3.Txn { return &unsureTxn{k.KV.Txn(ctx), k, false} }

type unsureTxn struct {
	clientv3.Txn
	kv      *unsureKV
	guarded bool
}

func (t *unsureTxn) If(c ...clientv3.Cmp) clientv3.Txn {
	t.Txn, t.guarded = t.Txn.If(c...), true
	return t
}

func (t *unsureTxn) Then(o ...clientv3.Op) clientv3.Txn {
	t.Txn = t.Txn.Then(o...)
	return t
}

func (t *unsureTxn) Else(o ...clientv3.Op) clientv3.Txn {
	t.Txn = t.Txn.Else(o...)
	return t
}

func (t *unsureTxn) Commit() (*clientv3.TxnResponse, error) {
	commit := t.kv.commit
	if !t.guarded || commit == nil {
		return t.Txn.Commit()
	}
	t.kv.commit = nil
	return commit(t.Txn)
}

// A departure that was started continues after the registration has gone, no matter who
// removed it and whether the response arrived.
func TestADepartureGoesOnOnceTheRegistrationHasGone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for name, commit := range map[string]func(clientv3.Txn) (*clientv3.TxnResponse, error){
		"the answer is lost": func(t clientv3.Txn) (*clientv3.TxnResponse, error) {
			_, err := t.Commit()
			if err == nil {
				err = rpctypes.ErrLeaderChanged
			}
			return nil, err
		},
		"it was not heard": func(clientv3.Txn) (*clientv3.TxnResponse, error) { return nil, rpctypes.ErrNoLeader },
		"another one was quicker": func(t clientv3.Txn) (*clientv3.TxnResponse, error) {
			client, err := cluster.Client("/another/")
			if err != nil {
				return nil, err
			}
			defer client.Close()
			if err := storage.New(client).Unregister(ctx, &storage.Snapshot{}, 2, storage.Act{}); err != nil {
				return nil, err
			}
			return t.Commit()
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := cluster.Client("/" + strings.Fields(name)[0] + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			s := storage.New(client)
			for lrn := range 3 {
				if err := s.Register(ctx, lrn); err != nil {
					t.Fatal(err)
				}
				if _, err := client.Put(ctx, storage.PresenceKey(lrn), `{"version":"2024.01.02-3","pid":1}`); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := client.Put(ctx, "leaving/2", ""); err != nil { // Begin
				t.Fatal(err)
			}
			client.KV = &unsureKV{client.KV, commit}
			var out strings.Builder
			cmd := &cobra.Command{}
			cmd.SetOut(&out)
			// The departure calls takeOut in the same way.
			err = stage.Retry(ctx, stage.Plain{Out: &out}, stage.NewName("unregister"), func() error {
				return takeOut(ctx, cmd, s, 2, leaveOptions{})
			})
			if err != nil {
				t.Error(err)
			}
			if strings.Count(out.String(), "boot server 2 has left; boot servers 0, 1 remain\n") != 1 {
				t.Errorf("it said %q", out.String())
			}
			if registered, err := leavable(ctx, s, 2, leaveOptions{}); err != nil || registered {
				t.Errorf("run again, it does not finish: registered %t, %v", registered, err)
			}
		})
	}
}
