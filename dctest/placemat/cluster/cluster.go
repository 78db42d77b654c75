package cluster

import (
	"net/netip"
	"slices"
)

// Cluster is the description of a virtual data centre. The zero value is an empty one.
type Cluster struct {
	// Name is the cluster id, as in /etc/neco/cluster.
	Name string
	// ASNBase is the AS number of rack 0. Node.ASN has the AS number of each node.
	ASNBase uint32
	// Nodes are the nodes in start order: a node comes after the nodes that it depends
	// on.
	Nodes []Node
	// Links connect nodes. Each end is an interface of type link or port.
	Links []Link
	// Networks is the address plan. It is only informative: no interface follows from it.
	Networks []Network
	// Images and DeviceClasses are the definitions that servers refer to by name.
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
	// CIDR is the address at which the other end reaches this one: that of the interface
	// or, for a port, of its bridge. It is informative; the address is assigned by the
	// interface.
	CIDR netip.Prefix `json:"cidr,omitzero"`
}

// Network is a range of addresses and its purpose.
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

// DeviceClass is a directory in which disks are created.
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

// Of returns the nodes of these kinds, in order.
func (c *Cluster) Of(kinds ...Kind) []Node {
	var found []Node
	for _, n := range c.Nodes {
		if slices.Contains(kinds, n.Kind) {
			found = append(found, n)
		}
	}
	return found
}

// Between returns the links that connect the two nodes, in order.
func (c *Cluster) Between(a, b string) []Link {
	var found []Link
	for _, l := range c.Links {
		if l.A.Node == a && l.B.Node == b || l.A.Node == b && l.B.Node == a {
			found = append(found, l)
		}
	}
	return found
}
