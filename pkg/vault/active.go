package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/vaultclient"
	"github.com/cybozu-go/neco/pkg/retry"
)

// stepDownTimeout is how long the request for a step-down waits for the active node,
// which does not answer if it has failed.
const stepDownTimeout = 10 * time.Second

// HandOver makes sure that the active node is not on the boot server lrn: if it is, it
// requests a step-down and blocks until another node is active, or ctx ends. The token
// of c needs permission for a step-down. A node that has failed loses its role within a
// minute without a step-down.
func HandOver(ctx context.Context, c *api.Client, lrn int) error {
	leader, err := c.Sys().LeaderWithContext(ctx)
	if err != nil {
		return fmt.Errorf("query vault's active node: %w", err)
	}
	if leader.LeaderAddress != Address(lrn) {
		return nil
	}
	asked := stepDown(ctx, c, leader.LeaderAddress)
	if Denied(asked) {
		return asked
	}
	err = retry.Until(ctx, func() error {
		now, err := c.Sys().LeaderWithContext(ctx)
		if err == nil && (now.LeaderAddress == "" || now.LeaderAddress == leader.LeaderAddress) {
			err = ErrNoLeader
		}
		return err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("wait for another active vault: %w", err), asked)
	}
	return neco.WaitVaultLeader(ctx, c)
}

// stepDown requests that the active node at addr become a standby.
func stepDown(ctx context.Context, c *api.Client, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, stepDownTimeout)
	defer cancel()
	active, err := vaultclient.Copy(c, addr, c.Token())
	if err != nil {
		return err
	}
	active.SetMaxRetries(0)
	if err := active.Sys().StepDownWithContext(ctx); err != nil {
		return fmt.Errorf("make the active vault step down: %w", err)
	}
	return nil
}
