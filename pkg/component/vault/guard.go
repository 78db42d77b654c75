package vault

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/vault"
)

const (
	guardInterval = 10 * time.Second
	// guardChecks is how many consecutive checks must find Vault half sealed (see
	// [vault.ErrHalfSealed]) before Guard restarts it. A single such result may be due to
	// a temporary failure of etcd.
	guardChecks    = 3
	checkTimeout   = 5 * time.Second
	restartTimeout = 2 * time.Minute
)

// Guard restarts the Vault of this host if it stays half sealed; see
// [vault.ErrHalfSealed]. Only a restart ends that state. The Vaults of all boot servers
// may enter it one after the other.
type Guard struct {
	// HalfSealed reports whether Vault is half sealed. It returns false if it cannot find
	// out.
	HalfSealed func(ctx context.Context) (bool, error)
	// Restart restarts Vault unless an operator has stopped it.
	Restart func(ctx context.Context) error
	Log     *slog.Logger
}

// NewGuard returns the Guard of the host whose file system is fsys.
func NewGuard(fsys host.FS, log *slog.Logger) Guard {
	var client *api.Client // kept for its connection
	return Guard{
		HalfSealed: func(ctx context.Context) (half bool, err error) {
			if client == nil {
				client, err = vault.Open(vault.Local, fsys.Path(neco.ServerCAFile), "")
				if err != nil {
					return false, err
				}
				client.SetMaxRetries(0)
			}
			half, err = vault.HalfSealed(ctx, client)
			if err != nil {
				client = nil // the CA may have been replaced
			}
			return half, err
		},
		Restart: func(ctx context.Context) error { return host.Units{}.TryRestart(ctx, neco.VaultService) },
		Log:     log,
	}
}

// Run checks Vault at intervals until ctx ends. A failed restart is logged and attempted
// again.
func (g Guard) Run(ctx context.Context) {
	found := 0
	for neco.SleepContext(ctx, guardInterval) == nil {
		half, err := g.check(ctx)
		if err != nil || !half {
			found = 0
			continue
		}
		if found++; found < guardChecks {
			continue
		}
		found = 0
		g.Log.Warn("restarts vault", "err", vault.ErrHalfSealed)
		if err := g.restart(ctx); err != nil && ctx.Err() == nil {
			g.Log.Error("vault is not restarted", "err", err)
		}
	}
}

func (g Guard) check(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, fmt.Errorf("vault does not answer within %s", checkTimeout))
	defer cancel()
	return g.HalfSealed(ctx)
}

func (g Guard) restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, restartTimeout, fmt.Errorf("vault has not restarted within %s", restartTimeout))
	defer cancel()
	return g.Restart(ctx)
}
