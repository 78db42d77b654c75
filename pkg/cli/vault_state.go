package cli

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
)

// vaultPatience is how long a query of the Vaults or of etcd's members may take. All
// Vaults or members are queried at the same time.
const vaultPatience = 2 * time.Second

// askVaults queries the Vaults of the boot servers lrns, for two seconds at most, and
// returns why each is not in service, by LRN. The reason is "" for a Vault in service. It
// returns nil if Neco does not manage Vault.
func (env *Env) askVaults(ctx context.Context, lrns []int) map[int]string {
	if managed, err := env.managed(); err == nil && !managed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, vaultPatience)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	trouble := map[int]string{}
	for _, lrn := range lrns {
		wg.Go(func() {
			text := vaultTrouble(env.vaultServes(ctx, lrn))
			mu.Lock()
			defer mu.Unlock()
			trouble[lrn] = text
		})
	}
	wg.Wait()
	return trouble
}

// vaultEvery is the interval at which a command that follows an update queries the
// Vaults.
const vaultEvery = 10 * time.Second

// probes queries the Vaults and the members of etcd at intervals. It shows a problem
// only after two consecutive queries have found it, because a restarted program is out
// of service for a moment.
type probes struct {
	ask  func(ctx context.Context, lrns []int) map[int]string
	etcd func(ctx context.Context) membership.Cluster
	// cluster is the shown state of etcd's members. unconfirmed means that the last query
	// has found a problem that is not shown yet.
	cluster     membership.Cluster
	unconfirmed bool
	// next is the time of the next query; last holds what the Vaults answered to the last
	// one.
	next time.Time
	last map[int]string
	// twice holds the answers of Vaults that were the same in the last two queries.
	twice map[int]string
}

// add adds the confirmed results of the queries to v. It queries again first if that is
// due.
func (w *probes) add(ctx context.Context, v *status.View) {
	if !v.At.Before(w.next) {
		w.next = v.At.Add(vaultEvery)
		now := w.ask(ctx, v.Registered())
		w.twice = map[int]string{}
		for lrn, text := range now {
			if w.last[lrn] == text {
				w.twice[lrn] = text
			}
		}
		w.last = now
		w.lookAtEtcd(ctx)
	}
	v.AddVaults(w.twice)
	if w.cluster != nil {
		v.AddEtcd(w.cluster)
	}
}

// lookAtEtcd queries the members of etcd. A new problem is shown only if the next query
// confirms it.
func (w *probes) lookAtEtcd(ctx context.Context) {
	now := w.etcd(ctx)
	trouble := now == nil || slices.ContainsFunc(now, func(m membership.Member) bool { return !m.Healthy })
	if trouble && !w.unconfirmed && w.cluster != nil {
		w.unconfirmed = true
		return
	}
	w.cluster, w.unconfirmed = now, false
}

// askEtcd queries the members of etcd, for two seconds at most. It returns nil if their
// list cannot be read.
func askEtcd(ctx context.Context, s *storage.Storage) membership.Cluster {
	ctx, cancel := context.WithTimeout(ctx, vaultPatience)
	defer cancel()
	c, err := membership.Query(ctx, s.Client())
	if err != nil {
		return nil
	}
	return c
}

func (env *Env) vaultServes(ctx context.Context, lrn int) error {
	client, err := vault.Open(vault.Address(lrn), env.FS.Path(neco.ServerCAFile), "")
	if err != nil {
		return err
	}
	client.SetMaxRetries(0)
	return vault.Serves(ctx, client)
}

// vaultTrouble returns the text for operators about err, the reason why a Vault is not in
// service, or "" if err is nil.
func vaultTrouble(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, vault.ErrSealed):
		return "Vault is sealed; run there: neco vault unseal"
	case errors.Is(err, vault.ErrHalfSealed):
		return "Vault has sealed its storage; neco-worker restarts it within a minute"
	case errors.Is(err, vault.ErrUninitialized), errors.Is(err, vault.ErrNoLeader):
		return err.Error()
	}
	return "Vault does not answer: " + errtext.Of(err)
}
