package fleet

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// serialTag is the tag of a serf member with the serial number of the machine.
const serialTag = "serial"

// Members returns the members of serf by their addresses. It blocks until the agent has answered,
// at most ten seconds, or until ctx ends.
//
// A request of the library to a frozen agent ends only when the agent goes on or ends. While there
// is such a request, Members waits for its answer and sends no other.
func (o Observer) Members(ctx context.Context) (map[netip.Addr][]statesetter.Member, error) {
	members, err := o.serf(ctx, "", (*client.RPCClient).Members)
	all := map[netip.Addr][]statesetter.Member{}
	for _, m := range members {
		if address, ok := netip.AddrFromSlice(m.Addr); ok {
			address = address.Unmap()
			all[address] = append(all[address], statesetter.Member{Status: m.Status, Tags: m.Tags})
		}
	}
	return all, err
}

// MembersBySerial returns the members of serf by the serial numbers of their machines. It blocks as
// Members does.
func (o Observer) MembersBySerial(ctx context.Context) (map[string][]statesetter.Member, error) {
	members, err := o.Members(ctx)
	all := map[string][]statesetter.Member{}
	for _, at := range members {
		for _, m := range at {
			if serial := m.Tags[serialTag]; serial != "" {
				all[serial] = append(all[serial], m)
			}
		}
	}
	return all, err
}

// MembersOf returns the members of serf whose tag has the serial number of a machine. It blocks as
// Members does.
func (o Observer) MembersOf(ctx context.Context, serial string) ([]statesetter.Member, error) {
	members, err := o.serf(ctx, serial, func(c *client.RPCClient) ([]client.Member, error) {
		return c.MembersFiltered(map[string]string{serialTag: regexp.QuoteMeta(serial)}, "", "")
	})
	var all []statesetter.Member
	for _, m := range members {
		all = append(all, statesetter.Member{Status: m.Status, Tags: m.Tags})
	}
	return all, err
}

// serf asks the agent for members. Requests with the same name at the same time are one.
func (o Observer) serf(ctx context.Context, name string, request func(*client.RPCClient) ([]client.Member, error)) ([]client.Member, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("serf at %s: no answer within %s", o.Serf, Timeout))
	defer cancel()
	answer := o.flight.DoChan(name, func() (any, error) {
		c, err := client.ClientFromConfig(&client.Config{Addr: o.Serf, Timeout: Timeout})
		if err != nil {
			return []client.Member(nil), err
		}
		defer c.Close()
		members, err := request(c)
		if err != nil {
			err = fmt.Errorf("members: %w", err)
		}
		return members, err
	})
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-answer:
		if r.Err != nil {
			return nil, fmt.Errorf("serf at %s: %w", o.Serf, r.Err)
		}
		return r.Val.([]client.Member), nil
	}
}
