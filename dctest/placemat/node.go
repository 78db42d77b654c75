package placemat

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// dummyType returns the link type for dummy interfaces: dummy, or bridge if this kernel
// has no dummy interfaces. To find out, it creates a namespace called probe and removes
// it.
func dummyType(ctx context.Context, probe string) string {
	if _, err := run(ctx, "ip", "netns", "add", probe); err != nil {
		return "bridge"
	}
	_, err := run(ctx, "ip", "-n", probe, "link", "add", "probe", "type", "dummy")
	if _, derr := run(ctx, "ip", "netns", "del", probe); derr != nil || err != nil {
		return "bridge"
	}
	return "dummy"
}

// makeNamespace creates the network namespace of a node, or its container if it is a boot
// server in Docker, and sets the node's sysctls. It does nothing for a node that boots from the
// network.
func (c *Centre) makeNamespace(ctx context.Context, n cluster.Node) error {
	switch {
	case c.netboots(n): // it is off
		return nil
	case c.machine(n):
		return c.startMachine(ctx, n)
	}
	if _, err := run(ctx, "ip", "netns", "add", c.namespace(n.Name)); err != nil {
		return err
	}
	return c.setSysctls(ctx, n)
}

// setSysctls sets the sysctls of a node. It must be called before the node's interfaces
// are created, which inherit them.
func (c *Centre) setSysctls(ctx context.Context, n cluster.Node) error {
	args := sysctlArgs(n)
	if len(args) == 0 {
		return nil
	}
	slices.Sort(args)
	// -e: a key that this kernel does not have is skipped.
	_, err := c.inside(ctx, n.Name, "sysctl", append([]string{"-q", "-e", "-w"}, args...)...)
	return err
}

// configure sets the addresses and routes of a node and starts its scripts and BIRD. It
// does nothing for a boot server in a container, which configures itself.
func (c *Centre) configure(ctx context.Context, n cluster.Node, dummy string) error {
	if c.machine(n) {
		return nil
	}
	ns := c.namespace(n.Name)
	if err := batch(ctx, ns, insideLines(n, dummy)); err != nil {
		return err
	}
	n.Interfaces = slices.DeleteFunc(slices.Clone(n.Interfaces), func(i cluster.Interface) bool { return c.leadsToNode(n.Name, i.Name) })
	if err := batch(ctx, ns, addressLines(n)); err != nil {
		return err
	}
	for _, script := range n.Scripts {
		if _, err := c.inside(ctx, n.Name, "/bin/sh", filepath.Join(c.description(), script)); err != nil {
			return err
		}
	}
	return c.startBird(ctx, n)
}
