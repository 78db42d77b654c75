package placemat

import (
	"context"
	"os"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// disconnect removes the links of a server and the name of its network namespace, if they
// exist. The kernel also removes the links when the server's processes have exited, but
// later.
func (c *Centre) disconnect(ctx context.Context, n cluster.Node) error {
	if !c.on(n.Name) {
		return nil
	}
	for _, l := range c.cluster.Links {
		for _, end := range []cluster.End{l.A, l.B} {
			if end.Node != n.Name {
				continue
			}
			if err := batch(ctx, c.namespace(n.Name), []string{"link del " + end.Interface}); err != nil {
				return err
			}
		}
	}
	_, err := run(ctx, "ip", "netns", "del", c.namespace(n.Name))
	return err
}

// on reports whether a node has a network namespace. A server that is off has none.
func (c *Centre) on(node string) bool {
	_, err := os.Stat("/run/netns/" + c.namespace(node))
	return err == nil
}

// connect creates the links of a server, and sets up the ends at the nodes to which they
// lead.
func (c *Centre) connect(ctx context.Context, n cluster.Node) error {
	for _, l := range c.cluster.Links {
		other := l.B
		switch n.Name {
		case l.A.Node:
		case l.B.Node:
			other = l.A
		default:
			continue
		}
		if err := batch(ctx, "", []string{c.linkLine(l)}); err != nil {
			return err
		}
		peer, err := c.node(other.Node)
		if err != nil {
			return err
		}
		for _, i := range peer.Interfaces {
			if i.Name != other.Interface {
				continue
			}
			if err := batch(ctx, c.namespace(peer.Name), interfaceLines(i)); err != nil {
				return err
			}
		}
	}
	return nil
}
