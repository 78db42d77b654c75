package cluster

import "net/netip"

// Server holds the fields of a node that only servers have. The resources are copied from
// the menu; those that the menu does not set are empty.
type Server struct {
	// Serial is the serial number that the server's hardware reports.
	Serial string `json:"serial"`
	// Index is the server's number in its rack.
	Index int `json:"index"`
	// BMC is the address of the server's baseboard management controller.
	BMC netip.Addr `json:"bmc"`
	// Seed is the name of a file in the directory of the description, with which the
	// server configures itself at its first start; empty if there is none.
	Seed string `json:"seed,omitempty"`
	// Image is the name of the image from which the server boots. A server without an
	// image boots from the network and cannot be a container. Data are the names of the
	// images of its data disks.
	Image string   `json:"image,omitempty"`
	Data  []string `json:"data,omitempty"`
	// CPU is the number of processors, and SMP is their topology. At most one of the two
	// is set.
	CPU int  `json:"cpu,omitempty"`
	SMP *SMP `json:"smp,omitempty"`
	// Memory is the server's memory in bytes with a unit, such as 2G.
	Memory string `json:"memory,omitempty"`
	NUMA   *NUMA  `json:"numa,omitempty"`
	Disks  []Disk `json:"disks,omitempty"`
	UEFI   bool   `json:"uefi,omitempty"`
	TPM    bool   `json:"tpm,omitempty"`
}

// SMP is a topology of processors. Fields that are 0 are chosen by the program that
// creates the server.
type SMP struct {
	CPUs    int `json:"cpus"`
	Cores   int `json:"cores,omitempty"`
	Threads int `json:"threads,omitempty"`
	Dies    int `json:"dies,omitempty"`
	Sockets int `json:"sockets,omitempty"`
	MaxCPUs int `json:"max-cpus,omitempty"`
}

// NUMA describes how a server's memory is divided among NUMA nodes.
type NUMA struct {
	Nodes int `json:"nodes"`
}

// Disk is an empty disk.
type Disk struct {
	Name string `json:"name"`
	// Size is the size of the disk in bytes with a unit, such as 10G.
	Size string `json:"size"`
	// DeviceClass is the name of the device class in whose directory the disk is created;
	// empty means any directory.
	DeviceClass string `json:"device-class,omitempty"`
}
