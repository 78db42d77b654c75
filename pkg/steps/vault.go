package steps

import (
	"context"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/worker"
)

// seal makes sure that every member can open its Vault: one that is new here waits until
// another has sealed the key to it.
func seal(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	if h.Seal == nil {
		return "", nil
	}
	sealed, err := h.Seal(ctx, t.Members)
	if err != nil || !sealed {
		return "", err
	}
	return "sealed the unseal key anew", nil
}
