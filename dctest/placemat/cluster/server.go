package cluster

import "net/netip"

// Server has the fields of a node that only servers have. The resources are copied from
// the menu; those that it does not set are empty.
type Server struct {
	// Serial is the serial number that the server's hardware reports.
	Serial string `json:"serial"`
	// Index is the server's number in its rack.
	Index int `json:"index"`
	// BMC is the address of the server's management controller.
	BMC netip.Addr `json:"bmc"`
	// Seed is the name of the server's seed, a file beside the description which
	// configures it at its first start; empty for none.
	Seed string `json:"seed,omitempty"`
	// Image is the name of the image the server boots from. A server without one boots
	// from the network and cannot be a container. Data are the names of images of its
	// data disks.
	Image string   `json:"image,omitempty"`
	Data  []string `json:"data,omitempty"`
	// CPU is the number of processors, SMP their topology. At most one of them is set.
	CPU int  `json:"cpu,omitempty"`
	SMP *SMP `json:"smp,omitempty"`
	// Memory is a number of bytes with a unit, such as 2G.
	Memory string `json:"memory,omitempty"`
	NUMA   *NUMA  `json:"numa,omitempty"`
	Disks  []Disk `json:"disks,omitempty"`
	UEFI   bool   `json:"uefi,omitempty"`
	TPM    bool   `json:"tpm,omitempty"`
}

// SMP is a topology of processors. The program that creates the server chooses the values
// of fields that are 0.
type SMP struct {
	CPUs    int `json:"cpus"`
	Cores   int `json:"cores,omitempty"`
	Threads int `json:"threads,omitempty"`
	Dies    int `json:"dies,omitempty"`
	Sockets int `json:"sockets,omitempty"`
	MaxCPUs int `json:"max-cpus,omitempty"`
}

// NUMA is the number of nodes among which a server's memory is divided.
type NUMA struct {
	Nodes int `json:"nodes"`
}

// Disk is an empty disk.
type Disk struct {
	Name string `json:"name"`
	// Size is a number of bytes with a unit, such as 10G.
	Size string `json:"size"`
	// DeviceClass names the device class whose directory the disk is created in; empty
	// means any directory.
	DeviceClass string `json:"device-class,omitempty"`
}
