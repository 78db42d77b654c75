package setup

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// handlersLink is the link of boot server 1 to the leader, without a network.
type handlersLink struct {
	link
	d *handlers
}

func (l handlersLink) call(ctx context.Context, method string, in, out any) error {
	return askUntil(ctx, l.d, 1, method, in, out)
}

// beforeEtcd returns a leader at the stage vault, and a follower with certificates
// and a host key.
func beforeEtcd(t *testing.T) (leader, follower *run) {
	t.Helper()
	token := meet.NewToken()
	leader, follower = newRun(t, 0, token), newRun(t, 1, token)
	if err := makeAuthorities(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	met(leader, follower)
	write(t, leader.FS, pki.ServerCA.File(), string(leader.state().authorities[pki.ServerCA].CertPEM()))
	d := newHandlers(leader)
	d.peers.arrive(0, Position{Stage: slices.Index(Stages(), "vault")})
	follower.link = handlersLink{d: d}
	follower.TrustServerCA = func(context.Context) error { return nil }
	if err := bootstrapCertificates(t.Context(), follower); err != nil {
		t.Fatal(err)
	}
	var err error
	if follower.identity, err = hostkey.Load(t.Context(), follower.FS); err != nil {
		t.Fatal(err)
	}
	return leader, follower
}

// startBusyEtcd gives the leader an etcd that fails the first writes, as many as fails.
func startBusyEtcd(leader *run, fails int) *busyKV {
	kv := &busyKV{fails: fails, put: map[string]string{}}
	client := clientv3.NewCtxClient(context.Background())
	client.KV = kv
	leader.change(func(s *state) { s.etcd = client })
	return kv
}

func TestTheLeaderRetriesAWriteThatEtcdRefuses(t *testing.T) {
	leader, follower := beforeEtcd(t)
	if err := sendHostKey(t.Context(), follower); err == nil || !strings.Contains(err.Error(), "not connected to etcd yet") {
		t.Errorf("before there is an etcd: %v", err)
	}
	kv := startBusyEtcd(leader, 2)
	if err := sendHostKey(t.Context(), follower); err != nil {
		t.Fatal(err)
	}
	if len(kv.put) != 1 {
		t.Errorf("%d host keys are stored", len(kv.put))
	}
}

// TestARequestThatIsRepeatedPrintsItsErrorOnce has a request that takes so long that
// the leader ends it and the client repeats it.
func TestARequestThatIsRepeatedPrintsItsErrorOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leader, follower := beforeEtcd(t)
		for lines := 1; lines <= 2; lines++ {
			kv := startBusyEtcd(leader, 1<<20)
			for range 3 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if err := sendHostKey(ctx, follower); err == nil {
					t.Error("etcd has stored the key")
				}
				cancel()
			}
			kv.fails = 1
			if err := sendHostKey(t.Context(), follower); err != nil {
				t.Error(err)
			}
			if got := strings.Count(said(leader), "tries again: "); got != lines {
				t.Errorf("%d lines, not %d: %s", got, lines, said(leader))
			}
		}
	})
}
