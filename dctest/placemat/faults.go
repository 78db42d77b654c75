package placemat

import (
	"context"
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// LinkUp sets all links between two nodes up or down.
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

// between are the links between two nodes; it is an error if there are none.
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

// cutMark tells our rules from others in a namespace.
const cutMark = "placemat-cut"

// Cut lets a node hear nothing more of another, in silence: whatever carries
// an address of b is dropped on a.  Both directions, unless oneWay.
func (c *Centre) Cut(ctx context.Context, a, b string, oneWay bool) error {
	if err := c.load(); err != nil {
		return err
	}
	pairs := [][2]string{{b, a}}
	if !oneWay {
		pairs = append(pairs, [2]string{a, b})
	}
	for _, p := range pairs {
		if err := c.deafen(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// deafen drops on node whatever comes from an address of from.
func (c *Centre) deafen(ctx context.Context, node, from string) error {
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

// Silence lets a node drop whatever arrives, while its links stay up: the
// failure that only BFD notices.
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

// Heal takes back all cuts and rates, and sets all links up.  A server that is
// off has nothing to heal.
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
			// No rate is set on most links: that there is nothing to delete
			// is no error.
			_, _ = c.inside(ctx, end.Node, "tc", "qdisc", "del", "dev", end.Interface, "root")
		}
	}
	return errors.Join(errs...)
}

// Rate bounds what all links between two nodes carry, in both directions, in
// the words of tc(8): 10mbit.
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
