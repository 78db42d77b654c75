package placemat

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

const (
	// netbootProgram is the path of the first program of a node, which boots from the network and
	// then becomes systemd.
	netbootProgram = "/usr/sbin/netboot"
	// netbootScript is the command of a node's first process; its argument is the serial number.
	// Beside what initScript does, it makes the sysctls of the network writable, and tells programs
	// the serial number, which real machines have in their firmware.
	netbootScript = `set -e
umount /etc/hosts /etc/hostname /etc/resolv.conf
mount -t proc proc /mnt
mount --bind /mnt/sys/net /proc/sys/net
umount /mnt
echo "$1" >/run/product_serial
exec ` + netbootProgram + ` "$1"`
)

// netboots reports whether a node is a container that boots from the network.
func (c *Centre) netboots(n cluster.Node) bool {
	return (n.Kind == cluster.CS || n.Kind == cluster.SS) && c.image("node") != ""
}

// toNode reports whether a link leads to a node that boots from the network. Such a link exists
// while the node is on.
func (c *Centre) toNode(l cluster.Link) bool {
	for _, end := range []cluster.End{l.A, l.B} {
		if n, ok := c.cluster.Node(end.Node); ok && c.netboots(n) {
			return true
		}
	}
	return false
}

// leadsToNode reports whether an interface of a node is the end of such a link.
func (c *Centre) leadsToNode(node, name string) bool {
	return slices.ContainsFunc(c.cluster.Links, func(l cluster.Link) bool {
		is := func(end cluster.End) bool { return end.Node == node && end.Interface == name }
		return (is(l.A) || is(l.B)) && c.toNode(l)
	})
}

// netboot starts a node that is off in a fresh file system.
func (c *Centre) netboot(ctx context.Context, n cluster.Node) error {
	if _, err := c.dockerFor(ctx, importTimeout, nil, "rm", "--force", c.container(n.Name)); err != nil {
		return err
	}
	return c.startMachine(ctx, n)
}

// serveNodes starts what nodes that boot from the network need: relays of DHCP on the switches of
// their racks, and their BMCs.
func (c *Centre) serveNodes(ctx context.Context) error {
	racks := map[int]bool{}
	var addresses []string
	for _, n := range c.cluster.Nodes {
		if c.netboots(n) {
			racks[*n.Rack] = true
			addresses = append(addresses, fmt.Sprintf("address add %s/32 dev lo", n.Server.BMC))
		}
	}
	if len(racks) == 0 {
		return nil
	}
	for _, n := range c.cluster.Of(cluster.ToR) {
		if !racks[*n.Rack] {
			continue
		}
		if err := c.background(ctx, n.Name, "dhcp-relay", c.relay(n)); err != nil {
			return err
		}
	}
	core := c.cluster.Of(cluster.Core)[0].Name
	if err := batch(ctx, c.namespace(core), addresses); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return c.backgroundHere(ctx, core, "bmc", []string{self, "--name", c.Name, "bmc"})
}

// relay returns the command that relays DHCP from the segment of a switch to all boot servers.
func (c *Centre) relay(tor cluster.Node) []string {
	args := []string{"dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file=", "--log-facility=-"}
	for _, i := range tor.Interfaces {
		if i.Type != cluster.Bridge {
			continue
		}
		for _, b := range c.cluster.Of(cluster.Boot) {
			args = append(args, fmt.Sprintf("--dhcp-relay=%s,%s", i.Addresses[0].Addr(), node0(b)))
		}
	}
	return args
}

// node0 returns the address of a server on its interface node0, which every server has.
func node0(n cluster.Node) (address netip.Addr) {
	for _, i := range n.Interfaces {
		if i.Name == "node0" {
			address = i.Addresses[0].Addr()
		}
	}
	return address
}
