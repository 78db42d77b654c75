package steps

import (
	"context"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/worker"
)

// seal encrypts the unseal key to those boot servers that cannot decrypt it yet. A new
// boot server cannot do so itself: another one encrypts the key to it.
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
