package cluster

import "net/netip"

// Kind is the kind of a node.
type Kind string

// The kinds of nodes, from the simulated internet to the servers in racks.
const (
	Internet  Kind = "internet"  // the simulated internet
	Core      Kind = "core"      // the core switch: default route, HTTP proxy, time servers
	External  Kind = "external"  // clients outside the data centre
	Operation Kind = "operation" // the network of operators
	Spine     Kind = "spine"
	ToR       Kind = "tor"  // a top-of-rack switch, two in each rack
	Boot      Kind = "boot" // the boot server of a rack
	CS        Kind = "cs"   // a compute server
	SS        Kind = "ss"   // a storage server
)

// Server reports whether nodes of the kind are servers. All other nodes are network
// namespaces.
func (k Kind) Server() bool { return k == Boot || k == CS || k == SS }

// InRack reports whether nodes of the kind are in a rack.
func (k Kind) InRack() bool { return k.Server() || k == ToR }

// Known reports whether k is one of the kinds in this package.
func (k Kind) Known() bool {
	switch k {
	case Internet, Core, External, Operation, Spine:
		return true
	}
	return k.InRack()
}

// Node is a switch, a server, or a host in a network outside of the racks.
type Node struct {
	// Name is the unique name of the node, such as core, spine1, rack0-tor1, boot-0 or
	// rack0-cs1. It is the host name of a server.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Rack is the number of the rack; nil for a node outside of racks.
	Rack *int `json:"rack,omitempty"`
	// ASN is the node's AS number; 0 if it has none. RouterID is its BGP router id; the
	// zero Addr if it does not use BGP.
	ASN      uint32     `json:"asn,omitempty"`
	RouterID netip.Addr `json:"router-id,omitzero"`
	// BirdConf is the name of the node's BIRD configuration, a file in the directory of
	// the description. It is empty for nodes without BIRD.
	BirdConf string `json:"bird-conf,omitempty"`
	// Sysctls are set in the node's network namespace before its interfaces are created,
	// because interfaces inherit those of conf/default. Keys that the kernel does not
	// have may be skipped.
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// Interfaces are all interfaces of the node except lo. A bridge comes before its
	// ports.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// Routes are the static routes of the node, without those that BIRD adds.
	Routes []Route `json:"routes,omitempty"`
	// Sessions are the BGP sessions that must be established when the data centre is up.
	Sessions []Session `json:"sessions,omitempty"`
	// Services are the programs that listen on the node.
	Services []Service `json:"services,omitempty"`
	// Scripts are the names of files in the directory of the description. /bin/sh runs
	// each in the node's network namespace after interfaces and routes are set. They must
	// be idempotent.
	Scripts []string `json:"scripts,omitempty"`
	// Server has the fields that only servers have; nil for other nodes.
	Server *Server `json:"server,omitempty"`
}

// Interface is a network interface and its addresses.
type Interface struct {
	Name string        `json:"name"`
	Type InterfaceType `json:"type"`
	// Master is the bridge to which a port belongs; empty for other types of interfaces.
	Master string `json:"master,omitempty"`
	// Addresses are assigned to the interface in this order. Scope is the scope of all of
	// them; empty means global.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Scope     string         `json:"scope,omitempty"`
}

// InterfaceType is the kind of device of an interface.
type InterfaceType string

// The types of interfaces.
const (
	// LinkEnd is one end of a link.
	LinkEnd InterfaceType = "link"
	// Port is one end of a link that is attached to a bridge of the same node. It has no
	// address.
	Port InterfaceType = "port"
	// Bridge is a bridge of ports.
	Bridge InterfaceType = "bridge"
	// Dummy is an interface without a link that is always up, for addresses of the node.
	Dummy InterfaceType = "dummy"
)

// Route is a static route. With several gateways it is one multipath route.
type Route struct {
	To     netip.Prefix `json:"to"`
	Via    []netip.Addr `json:"via"`
	Source netip.Addr   `json:"source,omitzero"`
	// Metric is the priority of the route: the route with the lowest metric is used. 0
	// means the kernel's default.
	Metric uint32 `json:"metric,omitempty"`
}

// Session is one BGP session, seen from one side.
type Session struct {
	// Peer is the node at the other side of the session. The protocol in the BIRD
	// configuration has the same name.
	Peer    string     `json:"peer"`
	Address netip.Addr `json:"address"`
	ASN     uint32     `json:"asn"`
}

// Service is a program that listens on a node.
type Service struct {
	// Name is "proxy" (squid) or "ntp" (chronyd).
	Name      string       `json:"name"`
	Addresses []netip.Addr `json:"addresses"`
	Port      uint16       `json:"port"`
	// Config is the name of the service's configuration, a file in the directory of the
	// description.
	Config string `json:"config"`
}
