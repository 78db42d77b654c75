package cluster

import "net/netip"

// Kind says what a node is.
type Kind string

// All kinds, outermost first.
const (
	Internet  Kind = "internet"  // what stands for the world outside
	Core      Kind = "core"      // the core switch: default route, proxy, time
	External  Kind = "external"  // clients outside the data centre
	Operation Kind = "operation" // where operators sit
	Spine     Kind = "spine"
	ToR       Kind = "tor"  // two a rack
	Boot      Kind = "boot" // the boot server of a rack
	CS        Kind = "cs"   // a compute server
	SS        Kind = "ss"   // a storage server
)

// Server reports whether nodes of the kind are servers. Others are network
// namespaces only.
func (k Kind) Server() bool { return k == Boot || k == CS || k == SS }

// InRack reports whether nodes of the kind stand in a rack.
func (k Kind) InRack() bool { return k.Server() || k == ToR }

// Known reports whether there is such a kind.
func (k Kind) Known() bool {
	switch k {
	case Internet, Core, External, Operation, Spine:
		return true
	}
	return k.InRack()
}

// Node is a switch, a server, or a network with somebody in it.
type Node struct {
	// Name is unique: core, spine1, rack0-tor1, boot-0, rack0-cs1. It is the
	// host name of a server.
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Rack is the number of the rack; nil outside of racks.
	Rack *int `json:"rack,omitempty"`
	// ASN is the node's AS number, 0 for none; RouterID is its BGP identity,
	// invalid for nodes that speak no BGP.
	ASN      uint32     `json:"asn,omitempty"`
	RouterID netip.Addr `json:"router-id,omitzero"`
	// BirdConf is the file name of the node's BIRD configuration, beside the
	// description; empty for nodes that run no BIRD.
	BirdConf string `json:"bird-conf,omitempty"`
	// Sysctls are to be set in the node's network namespace before its
	// interfaces are made; those of a conf/<interface> follow from "default".
	// A key that the kernel does not have may be skipped.
	Sysctls map[string]string `json:"sysctls,omitempty"`
	// Interfaces are all interfaces but lo, bridges before their ports.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// Routes are static; those that BIRD makes are not here.
	Routes []Route `json:"routes,omitempty"`
	// Sessions are the BGP sessions that must be established when all is up.
	Sessions []Session `json:"sessions,omitempty"`
	// Services are what listens on the node.
	Services []Service `json:"services,omitempty"`
	// Scripts are file names beside the description, to be run once by
	// /bin/sh in the node's network namespace, after interfaces and routes.
	// They may be run again.
	Scripts []string `json:"scripts,omitempty"`
	// Server is given for servers, and for nobody else.
	Server *Server `json:"server,omitempty"`
}

// Interface is a network interface and its addresses.
type Interface struct {
	Name string        `json:"name"`
	Type InterfaceType `json:"type"`
	// Master is the bridge that a port belongs to; empty for other types.
	Master string `json:"master,omitempty"`
	// Addresses are assigned in this order. Scope is that of all of them: ""
	// is global.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Scope     string         `json:"scope,omitempty"`
}

// InterfaceType says how an interface is made.
type InterfaceType string

// All types of interfaces.
const (
	// LinkEnd is one end of a link.
	LinkEnd InterfaceType = "link"
	// Port is one end of a link that a bridge of the same node has taken in.
	// It has no address of its own.
	Port InterfaceType = "port"
	// Bridge joins ports.
	Bridge InterfaceType = "bridge"
	// Dummy leads nowhere and is always up: it carries addresses.
	Dummy InterfaceType = "dummy"
)

// Route is a static route. With several gateways it is one multipath route.
type Route struct {
	To     netip.Prefix `json:"to"`
	Via    []netip.Addr `json:"via"`
	Source netip.Addr   `json:"source,omitzero"`
	// Metric is the priority, the lowest wins; 0 is the kernel's default.
	Metric uint32 `json:"metric,omitempty"`
}

// Session is one BGP session, seen from one side.
type Session struct {
	// Peer is the node at the other side, and the name of the protocol in
	// the BIRD configuration.
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
	// Config is a file name beside the description.
	Config string `json:"config"`
}
