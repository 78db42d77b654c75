package fleet

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// Members returns the members of serf by their addresses, from the RPC endpoint of an agent. It
// blocks until the agent has answered, at most ten seconds, or until ctx ends.
func Members(ctx context.Context, endpoint string) (map[netip.Addr][]statesetter.Member, error) {
	c, err := client.ClientFromConfig(&client.Config{Addr: endpoint, Timeout: timeout})
	if err != nil {
		return nil, fmt.Errorf("serf at %s: %w", endpoint, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	members, err := c.Members()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("serf at %s: members: %w", endpoint, err)
	}
	all := map[netip.Addr][]statesetter.Member{}
	for _, m := range members {
		if address, ok := netip.AddrFromSlice(m.Addr); ok {
			address = address.Unmap()
			all[address] = append(all[address], statesetter.Member{Status: m.Status, Tags: m.Tags})
		}
	}
	return all, nil
}
