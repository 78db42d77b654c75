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

// vaultPatience bounds the question to one server; all are asked at once.
const vaultPatience = 2 * time.Second

// askVaults asks the Vaults of boot servers why they do not serve; the answers
// are by LRN, empty if one does.  It takes two seconds at most.
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

// vaultEvery is how often they are asked while an update is followed.
const vaultEvery = 10 * time.Second

// probes ask the Vaults and the members of etcd now and then.  One that is
// restarted does not serve for a moment, so trouble counts when it was seen twice.
type probes struct {
	ask  func(ctx context.Context, lrns []int) map[int]string
	etcd func(ctx context.Context) membership.Cluster
	// cluster is the last answer of etcd's members, unconfirmed one with trouble
	// that was not shown yet.
	cluster     membership.Cluster
	unconfirmed bool
	// next is when they are asked again; last what they said then.
	next time.Time
	last map[int]string
	// twice is what they have said the last two times.
	twice map[int]string
}

// add adds what is known to v, and asks if it is time for that.
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

// lookAtEtcd asks the members of etcd. New trouble is shown if the next look
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

// askEtcd asks the members of etcd; nil: their list could not be read. It takes two
// seconds at most.
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

// vaultTrouble is what an operator is told of a Vault that does not serve.
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
