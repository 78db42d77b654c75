package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cli/status"
	"github.com/cybozu-go/neco/pkg/vault"
)

// vaultPatience bounds the question to one server; all are asked at once.
const vaultPatience = 2 * time.Second

// addVaults asks the Vaults of all registered boot servers whether they serve,
// where Vault is Neco's.
func (env *Env) addVaults(ctx context.Context, v *status.View) {
	if !env.managed() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, vaultPatience)
	defer cancel()
	var mu sync.Mutex
	var wg sync.WaitGroup
	trouble := map[int]string{}
	for _, s := range v.Servers {
		if !s.Registered {
			continue
		}
		wg.Go(func() {
			text := vaultTrouble(env.vaultServes(ctx, s.LRN))
			mu.Lock()
			defer mu.Unlock()
			trouble[s.LRN] = text
		})
	}
	wg.Wait()
	v.AddVaults(trouble)
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
	case errors.Is(err, vault.ErrUninitialized), errors.Is(err, vault.ErrNoLeader):
		return err.Error()
	}
	return "Vault does not answer: " + vault.Text(err)
}
