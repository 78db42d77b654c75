package placemat

import (
	"context"
	"fmt"
	"os"

	"github.com/cybozu-go/neco/pkg/placemat/cluster"
)

// machineNode finds a node that is a machine.
func (c *Centre) machineNode(name string) (cluster.Node, error) {
	if err := c.load(); err != nil {
		return cluster.Node{}, err
	}
	n, err := c.node(name)
	if err == nil && !c.machine(n) {
		err = fmt.Errorf("%s is no machine: start the data centre with --boot-image", name)
	}
	return n, err
}

// Pause stops a server where it is, with its links up, until Resume.
func (c *Centre) Pause(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := run(ctx, "docker", "pause", c.container(name))
	return err
}

// Resume lets a paused server go on.
func (c *Centre) Resume(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := run(ctx, "docker", "unpause", c.container(name))
	return err
}

// PowerOff pulls the plug of a server: it ends in the middle of whatever it
// does, and its links go down.  Its disk stays.
func (c *Centre) PowerOff(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if _, err := run(ctx, "docker", "kill", c.container(name)); err != nil {
		return err
	}
	return c.unplug(ctx, n)
}

// PowerOn starts a server that PowerOff has ended, with its disk as it was left.
// It does not wait for its systemd.
func (c *Centre) PowerOn(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if _, err := run(ctx, "docker", "start", c.container(name)); err != nil {
		return err
	}
	if err := c.attach(ctx, n); err != nil {
		return err
	}
	return c.plug(ctx, n)
}

// Wipe gives a server a new disk with a fresh system, and starts it.
func (c *Centre) Wipe(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if _, err := runFor(ctx, importTimeout, nil, "docker", "rm", "--force", "--volumes", c.container(name)); err != nil {
		return err
	}
	if _, err := run(ctx, "docker", "volume", "rm", "--force", c.container(name)); err != nil {
		return err
	}
	if err := c.unplug(ctx, n); err != nil {
		return err
	}
	if err := c.startMachine(ctx, n); err != nil {
		return err
	}
	if err := c.plug(ctx, n); err != nil {
		return err
	}
	return c.trust(ctx, c.trusted(), n)
}

// unplug removes the links of a server and the name of its namespace, as far as
// they are there: the kernel would do it too, but some time later.
func (c *Centre) unplug(ctx context.Context, n cluster.Node) error {
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

// on reports whether a node has a namespace: a server that was powered off has
// none.
func (c *Centre) on(node string) bool {
	_, err := os.Stat("/run/netns/" + c.namespace(node))
	return err == nil
}

// plug makes the links of a server anew and brings their other ends up.
func (c *Centre) plug(ctx context.Context, n cluster.Node) error {
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
