package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
)

// leaderPause is between two questions who the active node is.
const leaderPause = 500 * time.Millisecond

// HandOver makes another node active if the one on the boot server lrn is, and
// waits for that.  The token of c needs the right to say so.
func HandOver(ctx context.Context, c *api.Client, lrn int) error {
	leader, err := c.Sys().LeaderWithContext(ctx)
	if err != nil {
		return fmt.Errorf("ask vault for its leader: %w", err)
	}
	if leader.LeaderAddress != Address(lrn) {
		return nil
	}
	active, err := c.Clone()
	if err != nil {
		return err
	}
	active.ClearNamespace()
	active.SetToken(c.Token())
	if err := active.SetAddress(leader.LeaderAddress); err != nil {
		return err
	}
	if err := active.Sys().StepDownWithContext(ctx); err != nil {
		return fmt.Errorf("let another vault be active: %w", err)
	}
	for {
		now, err := c.Sys().LeaderWithContext(ctx)
		if err == nil && now.LeaderAddress != "" && now.LeaderAddress != leader.LeaderAddress {
			return neco.WaitVaultLeader(ctx, c)
		}
		if neco.SleepContext(ctx, leaderPause) != nil {
			return fmt.Errorf("wait for another active vault: %w", context.Cause(ctx))
		}
	}
}
