package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
)

// maxInterfaceName is the maximum length of an interface name: the kernel's IFNAMSIZ
// without the terminating zero.
const maxInterfaceName = 15

// Validate checks that a data centre can be created from the description: names and
// addresses are unique, each end of a link exists and is used once, and all names to
// which nodes refer are defined. It returns all errors, joined.
func (c *Cluster) Validate() error {
	v := &validation{
		c: c, name: regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`),
		nodes: map[string]*Node{}, addresses: map[netip.Addr]string{}, routers: map[netip.Addr]string{},
		ends: map[End]bool{},
	}
	if !v.name.MatchString(c.Name) {
		v.fail("bad cluster name %q", c.Name)
	}
	for i := range c.Nodes {
		v.node(&c.Nodes[i])
	}
	for _, l := range c.Links {
		v.link(l)
	}
	v.unused()
	v.sessions()
	return errors.Join(v.errs...)
}

// validation holds the errors that Validate has found so far, and what it needs to find
// duplicates.
type validation struct {
	c         *Cluster
	name      *regexp.Regexp
	nodes     map[string]*Node
	addresses map[netip.Addr]string // the interface with each address
	routers   map[netip.Addr]string
	ends      map[End]bool // without their CIDR
	errs      []error
}

func (v *validation) fail(format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf(format, args...))
}

func (v *validation) node(n *Node) {
	if !v.name.MatchString(n.Name) {
		v.fail("bad node name %q", n.Name)
	}
	if v.nodes[n.Name] != nil {
		v.fail("two nodes are named %s", n.Name)
	}
	v.nodes[n.Name] = n
	if !n.Kind.Known() {
		v.fail("%s: unknown kind %q", n.Name, n.Kind)
	}
	if n.Kind.InRack() != (n.Rack != nil) {
		v.fail("%s: a rack is given for nodes in racks only", n.Name)
	}
	v.router(n)
	v.interfaces(n)
	v.routes(n)
	v.services(n)
	v.server(n)
	for _, f := range append([]string{n.BirdConf}, n.Scripts...) {
		v.file(n, f)
	}
}

func (v *validation) router(n *Node) {
	if n.BirdConf == "" {
		if len(n.Sessions) > 0 {
			v.fail("%s: has BGP sessions but no BIRD configuration", n.Name)
		}
		return
	}
	if n.ASN == 0 || !n.RouterID.Is4() {
		v.fail("%s: BIRD needs an AS number and a router id", n.Name)
	}
	if other := v.routers[n.RouterID]; other != "" {
		v.fail("%s and %s have the router id %s", other, n.Name, n.RouterID)
	}
	v.routers[n.RouterID] = n.Name
}

func (v *validation) routes(n *Node) {
	for _, r := range n.Routes {
		if !r.To.IsValid() || len(r.Via) == 0 {
			v.fail("%s: a route needs a destination and a gateway", n.Name)
		}
		for _, via := range r.Via {
			if !slices.ContainsFunc(n.Interfaces, func(i Interface) bool { return i.on(via) }) {
				v.fail("%s: no interface reaches the gateway %s", n.Name, via)
			}
		}
		if r.Source.IsValid() && !n.has(r.Source) {
			v.fail("%s: source %s of a route is not an address of this node", n.Name, r.Source)
		}
	}
}

func (v *validation) services(n *Node) {
	for _, s := range n.Services {
		v.file(n, s.Config)
		for _, a := range s.Addresses {
			if !n.has(a) {
				v.fail("%s: %s listens on %s, which is not an address of this node", n.Name, s.Name, a)
			}
		}
	}
}

// file checks that name is the name of a file in the directory of the description, and
// not a path to another one.
func (v *validation) file(n *Node, name string) {
	if name != "" && (name != filepath.Base(name) || name == "." || name == "..") {
		v.fail("%s: bad file name %q", n.Name, name)
	}
}
