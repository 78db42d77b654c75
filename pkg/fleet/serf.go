package fleet

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// Members returns the members of serf by their addresses. It blocks until the agent has answered,
// at most ten seconds, or until ctx ends.
//
// A request of the library to a frozen agent ends only when the agent goes on or ends. While there
// is such a request, Members waits for its answer and sends no other.
func (o Observer) Members(ctx context.Context) (map[netip.Addr][]statesetter.Member, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("serf at %s: no answer within %s", o.Serf, Timeout))
	defer cancel()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-o.flight.DoChan(o.Serf, func() (any, error) { return members(o.Serf) }):
		if r.Err != nil {
			return nil, fmt.Errorf("serf at %s: %w", o.Serf, r.Err)
		}
		return r.Val.(map[netip.Addr][]statesetter.Member), nil
	}
}

// members asks the agent at endpoint.
func members(endpoint string) (map[netip.Addr][]statesetter.Member, error) {
	c, err := client.ClientFromConfig(&client.Config{Addr: endpoint, Timeout: Timeout})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	members, err := c.Members()
	if err != nil {
		return nil, fmt.Errorf("members: %w", err)
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
