package cluster

import (
	"net/netip"
	"slices"
)

// iface returns the interface called name.
func (n *Node) iface(name string) (Interface, bool) {
	i := slices.IndexFunc(n.Interfaces, func(i Interface) bool { return i.Name == name })
	if i < 0 {
		return Interface{}, false
	}
	return n.Interfaces[i], true
}

// has reports whether a is an address of the node.
func (n *Node) has(a netip.Addr) bool {
	return slices.ContainsFunc(n.Interfaces, func(i Interface) bool {
		return slices.ContainsFunc(i.Addresses, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}

// on reports whether a is in the network of one of the interface's addresses.
func (i Interface) on(a netip.Addr) bool {
	return slices.ContainsFunc(i.Addresses, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (v *validation) interfaces(n *Node) {
	seen := map[string]InterfaceType{"lo": ""}
	for _, i := range n.Interfaces {
		where := n.Name + " " + i.Name
		if i.Name == "" || len(i.Name) > maxInterfaceName {
			v.fail("%s: an interface's name has 1 to %d characters", where, maxInterfaceName)
		}
		if _, twice := seen[i.Name]; twice {
			v.fail("%s: two interfaces have this name", where)
		}
		switch i.Type {
		case LinkEnd, Bridge, Dummy:
			if i.Master != "" {
				v.fail("%s: only a port has a master", where)
			}
		case Port:
			if seen[i.Master] != Bridge || len(i.Addresses) > 0 {
				v.fail("%s: a port needs a bridge that is listed before it, and has no address", where)
			}
		default:
			v.fail("%s: unknown type %q", where, i.Type)
		}
		seen[i.Name] = i.Type
		v.assigned(where, i)
	}
}

func (v *validation) assigned(where string, i Interface) {
	switch i.Scope {
	case "", "global", "link", "host":
	default:
		v.fail("%s: unknown scope %q", where, i.Scope)
	}
	for _, p := range i.Addresses {
		if !p.IsValid() || !p.Addr().Is4() {
			v.fail("%s: bad address %s", where, p)
			continue
		}
		if other := v.addresses[p.Addr()]; other != "" {
			v.fail("%s and %s have the address %s", other, where, p.Addr())
		}
		v.addresses[p.Addr()] = where
	}
}
