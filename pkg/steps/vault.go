package steps

import (
	"context"

	"github.com/cybozu-go/neco"
	vaultunit "github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/worker"
)

// stopVault: the versions of Vault that this release and its predecessors have
// may run together, standbys before the active node.  One that may not will
// stop all here.
func stopVault(context.Context, *Host, worker.Target) (string, error) { return "", nil }

func (h *Host) vaultUnit() vaultunit.Component { return vaultunit.Component{Unseal: h.Unseal} }

// writeVault puts Vault's files in place, and makes sure that every member can
// open its Vault: one that is new here waits until another has sealed the key
// to it.
func writeVault(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		if _, err := write(h.vaultUnit())(ctx, h, t); err != nil || h.Seal == nil {
			return "", err
		}
		sealed, err := h.Seal(ctx, t.Members)
		if err != nil || !sealed {
			return "", err
		}
		return "sealed the unseal key anew", nil
	})(ctx, h, t)
}

// applyStandbyVault converges a Vault that is not the active node; that one
// waits until all others run the new version.
func applyStandbyVault(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		if h.vaultActive(ctx) {
			return "", nil
		}
		return applyVault(ctx, h, t)
	})(ctx, h, t)
}

// vaultActive says whether the Vault here answers and is the active node.  One
// that does not answer serves nobody, and may be restarted at once.
func (h *Host) vaultActive(ctx context.Context) bool {
	client, err := vault.Open(vault.Local, h.FS.Path(neco.ServerCAFile), "")
	if err != nil {
		return false
	}
	active, err := vault.Active(ctx, client)
	return err == nil && active
}

// applyVault converges the Vault of this host and waits until it serves.
func applyVault(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(apply(h.vaultUnit()))(ctx, h, t)
}
