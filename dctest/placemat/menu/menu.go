package menu

import (
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Menu is the checked content of a menu's documents.
type Menu struct {
	Network       Network
	Inventory     Inventory
	IPAM          IPAM
	Images        []cluster.Image
	DeviceClasses []cluster.DeviceClass
	// Servers are the documents of kind Node, by the type of server that they describe.
	Servers map[cluster.Kind]ServerSpec
}

// Network is the menu's document of kind Network: the networks and AS numbers.
type Network struct {
	// IPAMConfig is the name of the file with sabakan's IPAM configuration.
	IPAMConfig string
	// ASNBase is the AS number of rack 0.
	ASNBase uint32
	// Internet is the network between the core switch and the simulated internet.
	Internet netip.Prefix
	// SpineToR is the first address of the links between spines and ToRs.
	SpineToR netip.Addr
	// CoreSpine is the network of the links between the core and the spines. If it is a
	// /31, it is the first link, and the other links follow it.
	CoreSpine netip.Prefix
	// CoreExternal is the network between the core and the node external, and
	// CoreOperation that between the core and the node operation.
	CoreExternal, CoreOperation netip.Prefix
	// Proxy is the address of the HTTP proxy, and NTP the network of the time servers.
	// Both are on the core.
	Proxy netip.Addr
	NTP   netip.Prefix
	// Pod is the range of pods' addresses.
	Pod netip.Prefix
	// Exposed are the networks that can be reached from outside.
	Exposed Exposed
}

// Exposed holds networks whose addresses servers announce by BGP up to the core.
type Exposed struct {
	Bastion, LoadBalancer, Ingress, Global netip.Prefix
}

// Inventory is the menu's document of kind Inventory: the numbers of switches and
// servers.
type Inventory struct {
	ClusterID string
	// Spines is the number of spine switches.
	Spines int
	Racks  []Rack
}

// Rack holds the numbers of compute and storage servers in a rack. Each rack also has a
// boot server.
type Rack struct {
	CS, SS int
}

// ServerSpec is a menu's document of kind Node: the resources of servers of one type.
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
	// SeedTemplate is the name of the cloud-init template, and SeedText the template's
	// content.
	SeedTemplate, SeedText string
}
