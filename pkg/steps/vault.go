package steps

import (
	"context"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/worker"
)

// seal is an action: it encrypts the unseal key to each boot server that cannot decrypt
// it yet. A new boot server cannot do this itself, since it cannot decrypt the key.
func seal(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	if h.Seal == nil {
		return "", nil
	}
	sealed, err := h.Seal(ctx, t.Members)
	if err != nil || !sealed {
		return "", err
	}
	return "sealed the unseal key again", nil
}
