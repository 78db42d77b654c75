package cluster

import "net/netip"

// Server is what only servers have. The resources are as the menu says, and
// empty where it says nothing.
type Server struct {
	// Serial is the serial number that the server's hardware reports.
	Serial string `json:"serial"`
	// Index is the server's number in its rack.
	Index int `json:"index"`
	// BMC is the address of the server's management controller.
	BMC netip.Addr `json:"bmc"`
	// Seed is the file name of what the server is told about itself at its
	// first start, beside the description; empty for none.
	Seed string `json:"seed,omitempty"`
	// Image is the image that it starts from; without one it boots from the
	// network, and containers cannot stand for it. Data are images that it
	// finds as disks.
	Image string   `json:"image,omitempty"`
	Data  []string `json:"data,omitempty"`
	// CPU is the number of processors, SMP their topology: one of them.
	CPU int  `json:"cpu,omitempty"`
	SMP *SMP `json:"smp,omitempty"`
	// Memory is a number of bytes with a unit: 2G.
	Memory string `json:"memory,omitempty"`
	NUMA   *NUMA  `json:"numa,omitempty"`
	Disks  []Disk `json:"disks,omitempty"`
	UEFI   bool   `json:"uefi,omitempty"`
	TPM    bool   `json:"tpm,omitempty"`
}

// SMP is a topology of processors; what is 0 is for the realiser to choose.
type SMP struct {
	CPUs    int `json:"cpus"`
	Cores   int `json:"cores,omitempty"`
	Threads int `json:"threads,omitempty"`
	Dies    int `json:"dies,omitempty"`
	Sockets int `json:"sockets,omitempty"`
	MaxCPUs int `json:"max-cpus,omitempty"`
}

// NUMA divides a server's memory.
type NUMA struct {
	Nodes int `json:"nodes"`
}

// Disk is an empty disk.
type Disk struct {
	Name string `json:"name"`
	// Size is a number of bytes with a unit: 10G.
	Size string `json:"size"`
	// DeviceClass says where it is made; empty: wherever the realiser likes.
	DeviceClass string `json:"device-class,omitempty"`
}
