package menu

import (
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Menu is what its documents say together. Load has checked it.
type Menu struct {
	Network       Network
	Inventory     Inventory
	IPAM          IPAM
	Images        []cluster.Image
	DeviceClasses []cluster.DeviceClass
	// Servers are the documents of kind Node by their type.
	Servers map[cluster.Kind]ServerSpec
}

// Network is the document of that kind: where addresses come from.
type Network struct {
	// IPAMConfig is the name of sabakan's IPAM configuration.
	IPAMConfig string
	// ASNBase is the AS number of rack 0.
	ASNBase uint32
	// Internet joins the core switch and the world outside.
	Internet netip.Prefix
	// SpineToR is the first address of the links between spines and ToRs.
	SpineToR netip.Addr
	// CoreSpine holds the links between the core and the spines; a /31 is the first
	// of them, and the others follow.
	CoreSpine netip.Prefix
	// CoreExternal and CoreOperation join the core and those networks.
	CoreExternal, CoreOperation netip.Prefix
	// Proxy is the address of the HTTP proxy, NTP the network of the time
	// servers. Both are on the core.
	Proxy netip.Addr
	NTP   netip.Prefix
	// Pod is the range of pods' addresses.
	Pod netip.Prefix
	// Exposed are the networks that can be reached from outside.
	Exposed Exposed
}

// Exposed are networks whose addresses servers announce by BGP, and that the
// core is told of.
type Exposed struct {
	Bastion, LoadBalancer, Ingress, Global netip.Prefix
}

// Inventory is the document of that kind: how much there is of what.
type Inventory struct {
	ClusterID string
	// Spines is the number of spine switches.
	Spines int
	Racks  []Rack
}

// Rack says how many servers a rack has beside its boot server.
type Rack struct {
	CS, SS int
}

// ServerSpec is a document of kind Node: what servers of one type have.
type ServerSpec struct {
	CPU    int
	SMP    *cluster.SMP
	Memory string
	NUMA   *cluster.NUMA
	Image  string
	Data   []string
	Disks  []cluster.Disk
	UEFI   bool
	TPM    bool
	// SeedTemplate is the name of the cloud-init template, and SeedText what
	// is in it.
	SeedTemplate, SeedText string
}
