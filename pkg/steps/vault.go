package steps

import (
	"context"

	"github.com/cybozu-go/neco"
	vaultunit "github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/vault"
	"github.com/cybozu-go/neco/pkg/worker"
)

// vaultGroup are the Vaults of all members, as the engine calls what must not run
// in two versions that do not mix.
const vaultGroup = "vault"

// stopVault stops the Vault of this host where the one that comes must not run
// beside it.  Most runs leave it alone: standbys go before the active node then.
func stopVault(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		_, ct, err := h.component(t)
		if err != nil {
			return "", worker.Permanent(err)
		}
		mix, err := vaultunit.Mix(h.FS, ct)
		if err != nil || mix {
			return "", err
		}
		// Disabled first: a power cut must not start it beside the next version.
		if err := h.Units.Disable(ctx, neco.VaultService); err != nil {
			return "", err
		}
		if err := h.Units.Stop(ctx, neco.VaultService); err != nil {
			return "", err
		}
		return "stopped Vault: its next version must not run beside this one", nil
	})(ctx, h, t)
}

// restoreVault brings a Vault back that stopVault has stopped.  One that runs was
// not stopped, and stays what it is; stopVault may have been cut off after it had
// disabled it.
func (h *Host) restoreVault(ctx context.Context, side update.Side, t worker.Target) error {
	if managed, err := h.managed(); err != nil || !managed {
		return err
	}
	active, err := h.Units.IsActive(ctx, neco.VaultService)
	if err != nil {
		return err
	}
	if active {
		return h.Units.Enable(ctx, neco.VaultService)
	}
	if side == update.SideOld {
		return h.Units.Start(ctx, neco.VaultService)
	}
	_, err = applyVault(ctx, h, t)
	return err
}

func (h *Host) vaultUnit() vaultunit.Component { return vaultunit.Component{Unseal: h.Unseal} }

// sealVault makes sure that every member can open its Vault: one that is new here
// waits until another has sealed the key to it.
func sealVault(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		if h.Seal == nil {
			return "", nil
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
	return ifManaged(converge(h.vaultUnit()))(ctx, h, t)
}
