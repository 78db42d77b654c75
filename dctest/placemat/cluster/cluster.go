package cluster

import (
	"net/netip"
	"slices"
)

// Cluster is the description of a virtual data centre. The zero value is the description
// of an empty one.
type Cluster struct {
	// Name is the cluster id, as in /etc/neco/cluster.
	Name string
	// ASNBase is the AS number of rack 0. The AS number of each node is in Node.ASN.
	ASNBase uint32
	// Nodes are the nodes in the order in which they have to be started: a node comes
	// after those on which it depends.
	Nodes []Node
	// Links connect nodes. Each end is an interface of type link or port.
	Links []Link
	// Networks is the address plan. It is only informative: no interface is derived from
	// it.
	Networks []Network
	// Images and DeviceClasses are definitions to which servers refer by their names.
	Images        []Image
	DeviceClasses []DeviceClass
}

// Link is a cable between two interfaces.
type Link struct {
	A End `json:"a"`
	B End `json:"b"`
}

// End is one end of a link.
type End struct {
	Node      string `json:"node"`
	Interface string `json:"interface"`
	// CIDR is the address at which the other end of the link reaches this end. A port has
	// the address of its bridge. CIDR is only informative, because addresses are assigned
	// by Interface.Addresses.
	CIDR netip.Prefix `json:"cidr,omitzero"`
}

// Network describes a range of addresses.
type Network struct {
	Name string       `json:"name"`
	CIDR netip.Prefix `json:"cidr"`
	Use  string       `json:"use,omitempty"`
}

// Image is a disk image from which a server or one of its data disks is created. Exactly
// one of File and URL is set.
type Image struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	URL  string `json:"url,omitempty"`
}

// DeviceClass is a directory for the disks of servers.
type DeviceClass struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Node returns the node called name.
func (c *Cluster) Node(name string) (Node, bool) {
	i := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return c.Nodes[i], true
}

// Of returns the nodes of the given kinds, in order.
func (c *Cluster) Of(kinds ...Kind) []Node {
	var found []Node
	for _, n := range c.Nodes {
		if slices.Contains(kinds, n.Kind) {
			found = append(found, n)
		}
	}
	return found
}

// Between returns the links that connect the nodes a and b, in order.
func (c *Cluster) Between(a, b string) []Link {
	var found []Link
	for _, l := range c.Links {
		if l.A.Node == a && l.B.Node == b || l.A.Node == b && l.B.Node == a {
			found = append(found, l)
		}
	}
	return found
}
