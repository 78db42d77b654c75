package cluster

import (
	"net/netip"
	"slices"
)

// Cluster is a virtual data centre. The zero value is an empty one.
type Cluster struct {
	// Name is the cluster id, as in /etc/neco/cluster.
	Name string
	// ASNBase is the AS number of rack 0; see Node.ASN for everybody's.
	ASNBase uint32
	// Nodes are the nodes in the order in which they should start: what
	// others depend on comes first.
	Nodes []Node
	// Links connect nodes. Each end is an interface of type link or port.
	Links []Link
	// Networks is the plan of addresses, for people and tests. Nothing of it
	// has to be realised.
	Networks []Network
	// Images and DeviceClasses are what servers refer to by name.
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
	// CIDR is the address by which the other end reaches this one: that of
	// the interface, or of the bridge whose port it is. It is here for
	// readers; the interface is where it is assigned.
	CIDR netip.Prefix `json:"cidr,omitzero"`
}

// Network is a range of addresses and what it is for.
type Network struct {
	Name string       `json:"name"`
	CIDR netip.Prefix `json:"cidr"`
	Use  string       `json:"use,omitempty"`
}

// Image is what a server or its data disk starts from: exactly one of File
// and URL is given.
type Image struct {
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	URL  string `json:"url,omitempty"`
}

// DeviceClass is a directory that disks are made in.
type DeviceClass struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Node returns the node of that name.
func (c *Cluster) Node(name string) (Node, bool) {
	i := slices.IndexFunc(c.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return c.Nodes[i], true
}

// Of returns the nodes of one of the kinds, in order.
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
