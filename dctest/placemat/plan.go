package placemat

import (
	"crypto/sha256"
	"fmt"
	"net"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// linkLine returns the line for "ip -batch" that creates the link l between the
// namespaces of two nodes.
func (c *Centre) linkLine(l cluster.Link) string {
	return fmt.Sprintf("link add %s type veth peer %s", c.endArgs(l.A), c.endArgs(l.B))
}

// endArgs returns the arguments that describe one end of a link. A server has the same hardware
// addresses after each start, by which sabakan leases addresses.
func (c *Centre) endArgs(e cluster.End) string {
	args := fmt.Sprintf("name %s netns %s", e.Interface, c.namespace(e.Node))
	if n, ok := c.cluster.Node(e.Node); ok && n.Server != nil {
		sum := sha256.Sum256([]byte(n.Server.Serial + e.Interface))
		args += " address " + net.HardwareAddr{0x02, sum[0], sum[1], sum[2], sum[3], sum[4]}.String()
	}
	return args
}

// insideLines returns the lines for "ip -batch" that create the bridges and dummy
// interfaces of a node. dummy is the link type of dummy interfaces, from dummyType.
func insideLines(n cluster.Node, dummy string) []string {
	var lines []string
	for _, i := range n.Interfaces {
		switch i.Type {
		case cluster.Bridge:
			lines = append(lines, fmt.Sprintf("link add name %s type bridge", i.Name))
		case cluster.Dummy:
			lines = append(lines, fmt.Sprintf("link add name %s type %s", i.Name, dummy))
		}
	}
	return lines
}

// addressLines returns the lines for "ip -batch" that set all interfaces of a node up,
// assign their addresses, and add its static routes.
func addressLines(n cluster.Node) []string {
	lines := []string{"link set lo up"}
	for _, i := range n.Interfaces {
		lines = append(lines, interfaceLines(i)...)
	}
	for _, r := range n.Routes {
		lines = append(lines, routeLine(r))
	}
	return lines
}

// interfaceLines returns, for a single interface, the lines that addressLines returns for
// all.
func interfaceLines(i cluster.Interface) []string {
	var lines []string
	if i.Master != "" {
		lines = append(lines, fmt.Sprintf("link set %s master %s", i.Name, i.Master))
	}
	for _, a := range i.Addresses {
		line := fmt.Sprintf("address add %s dev %s", a, i.Name)
		if i.Scope != "" {
			line += " scope " + i.Scope
		}
		lines = append(lines, line)
	}
	return append(lines, fmt.Sprintf("link set %s up", i.Name))
}

func routeLine(r cluster.Route) string {
	line := "route replace " + r.To.String()
	if r.Source.IsValid() {
		line += " src " + r.Source.String()
	}
	if r.Metric > 0 {
		line += fmt.Sprintf(" metric %d", r.Metric)
	}
	if len(r.Via) == 1 {
		return line + " via " + r.Via[0].String()
	}
	var b strings.Builder
	for _, via := range r.Via {
		b.WriteString(" nexthop via " + via.String())
	}
	return line + b.String()
}

// sysctlArgs returns the sysctls of a node as arguments for sysctl(8).
func sysctlArgs(n cluster.Node) []string {
	var args []string
	for key, value := range n.Sysctls {
		args = append(args, key+"="+value)
	}
	return args
}
