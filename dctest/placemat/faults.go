package placemat

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// LinkUp sets all links between the nodes a and b up, or down if up is false.
func (c *Centre) LinkUp(ctx context.Context, a, b string, up bool) error {
	links, err := c.between(a, b)
	if err != nil {
		return err
	}
	state := "down"
	if up {
		state = "up"
	}
	for _, l := range links {
		if err := batch(ctx, c.namespace(l.A.Node), []string{fmt.Sprintf("link set %s %s", l.A.Interface, state)}); err != nil {
			return err
		}
	}
	return nil
}

// between returns the links between the nodes a and b, and fails if there are none.
func (c *Centre) between(a, b string) ([]cluster.Link, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	for _, name := range []string{a, b} {
		if _, err := c.node(name); err != nil {
			return nil, err
		}
	}
	links := c.cluster.Between(a, b)
	if len(links) == 0 {
		return nil, fmt.Errorf("there is no link between %s and %s; placemat status -o json lists all", a, b)
	}
	return links, nil
}

// cutMark is the comment by which this package recognizes the iptables rules that it has
// added.
const cutMark = "placemat-cut"

// Cut makes the node b silently drop all packets from the addresses of the node a. Unless
// oneWay is true, it also makes a drop those from the addresses of b. Heal reverts this.
func (c *Centre) Cut(ctx context.Context, a, b string, oneWay bool) error {
	if err := c.load(); err != nil {
		return err
	}
	pairs := [][2]string{{b, a}}
	if !oneWay {
		pairs = append(pairs, [2]string{a, b})
	}
	for _, p := range pairs {
		if err := c.dropFrom(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// dropFrom makes a node drop all packets from the addresses of another node, whose name
// is in from.
func (c *Centre) dropFrom(ctx context.Context, node, from string) error {
	sender, err := c.node(from)
	if err != nil {
		return err
	}
	if _, err := c.node(node); err != nil {
		return err
	}
	for _, i := range sender.Interfaces {
		for _, a := range i.Addresses {
			for _, chain := range []string{"INPUT", "FORWARD"} {
				if _, err := c.inside(ctx, node, "iptables", "-I", chain, "-s", a.Addr().String(),
					"-m", "comment", "--comment", cutMark, "-j", "DROP"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Silence makes a node drop all packets that it receives, sends or forwards, while its
// links stay up. Only BFD detects such a failure. Heal reverts it.
func (c *Centre) Silence(ctx context.Context, name string) error {
	if err := c.load(); err != nil {
		return err
	}
	if _, err := c.node(name); err != nil {
		return err
	}
	for _, rule := range [][]string{{"INPUT", "!", "-i", "lo"}, {"FORWARD"}, {"OUTPUT", "!", "-o", "lo"}} {
		args := append([]string{"-I"}, rule...)
		args = append(args, "-m", "comment", "--comment", cutMark, "-j", "DROP")
		if _, err := c.inside(ctx, name, "iptables", args...); err != nil {
			return err
		}
	}
	return nil
}

// Heal removes all effects of Cut, Silence and Rate, and sets all links up. It skips
// servers that are off.
func (c *Centre) Heal(ctx context.Context) error {
	if err := c.load(); err != nil {
		return err
	}
	var errs []error
	for _, n := range c.cluster.Nodes {
		if !c.on(n.Name) {
			continue
		}
		script := "iptables-save | grep -v " + cutMark + " | iptables-restore"
		_, err := c.inside(ctx, n.Name, "/bin/sh", "-c", script)
		errs = append(errs, err)
	}
	for _, l := range c.cluster.Links {
		if !c.on(l.A.Node) || !c.on(l.B.Node) {
			continue
		}
		for _, end := range []cluster.End{l.A, l.B} {
			errs = append(errs, batch(ctx, c.namespace(end.Node), []string{fmt.Sprintf("link set %s up", end.Interface)}))
			// An error means that no rate was set on this link.
			_, _ = c.inside(ctx, end.Node, "tc", "qdisc", "del", "dev", end.Interface, "root")
		}
	}
	return errors.Join(errs...)
}

// Rate limits the throughput of all links between two nodes, in both directions. The rate
// has the syntax of tc(8), such as 10mbit. Heal reverts it.
func (c *Centre) Rate(ctx context.Context, a, b, rate string) error {
	links, err := c.between(a, b)
	if err != nil {
		return err
	}
	for _, l := range links {
		for _, end := range []cluster.End{l.A, l.B} {
			if _, err := c.inside(ctx, end.Node, "tc", "qdisc", "replace", "dev", end.Interface, "root",
				"tbf", "rate", rate, "burst", "32kbit", "latency", "400ms"); err != nil {
				return err
			}
		}
	}
	return nil
}
