package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// IPAM is sabakan's configuration of addresses, the body of PUT config/ipam. Sizes are
// numbers of host bits, and masks are prefix lengths.
type IPAM struct {
	MaxNodes    uint         `json:"max-nodes-in-rack"`
	NodePool    netip.Prefix `json:"node-ipv4-pool"`
	NodeOffset  string       `json:"node-ipv4-offset"`
	NodeSize    uint         `json:"node-ipv4-range-size"`
	NodeMask    int          `json:"node-ipv4-range-mask"`
	PerNode     uint         `json:"node-ip-per-node"`
	Index       uint         `json:"node-index-offset"`
	NodeGateway uint         `json:"node-gateway-offset"`
	BMCPool     netip.Prefix `json:"bmc-ipv4-pool"`
	BMCOffset   string       `json:"bmc-ipv4-offset"`
	BMCSize     uint         `json:"bmc-ipv4-range-size"`
	BMCMask     int          `json:"bmc-ipv4-range-mask"`
	BMCGateway  uint         `json:"bmc-ipv4-gateway-offset"`
}

// Errors of Assign.
var (
	ErrBootServer = errors.New("the rack has a boot server")
	ErrRackFull   = errors.New("the rack is full")
)

// Check returns an error that names the first invalid field, or nil if there is none.
func (p IPAM) Check() error {
	for _, f := range []struct {
		name string
		ok   bool
		want string
	}{
		{"max-nodes-in-rack", p.MaxNodes > 0, "above 0"},
		{"node-ipv4-pool", isNetwork(p.NodePool), "an IPv4 network without host bits"},
		{"node-ipv4-offset", isOffset(p.NodeOffset), "a dotted IPv4 address"},
		{"node-ipv4-range-size", p.NodeSize > 0, "above 0"},
		{"node-ipv4-range-mask", isMask(p.NodeMask), "8 to 32"},
		{"node-ip-per-node", p.PerNode > 0, "above 0"},
		{"node-gateway-offset", p.NodeGateway > 0, "above 0"},
		{"bmc-ipv4-pool", isNetwork(p.BMCPool), "an IPv4 network without host bits"},
		{"bmc-ipv4-offset", isOffset(p.BMCOffset), "a dotted IPv4 address"},
		{"bmc-ipv4-range-size", p.BMCSize > 0, "above 0"},
		{"bmc-ipv4-range-mask", isMask(p.BMCMask), "8 to 32"},
		{"bmc-ipv4-gateway-offset", p.BMCGateway > 0, "above 0"},
	} {
		if !f.ok {
			return fmt.Errorf("%s must be %s", f.name, f.want)
		}
	}
	return nil
}

func isNetwork(p netip.Prefix) bool { return p.IsValid() && p.Addr().Is4() && p == p.Masked() }

func isMask(bits int) bool { return 8 <= bits && bits <= 32 }

func isOffset(s string) bool {
	a, err := netip.ParseAddr(s)
	return s == "" || err == nil && a.Is4()
}

// Assign sets the index in the rack and the addresses of the machine m. The boot server
// of a rack has the index node-index-offset, and other machines the lowest free index
// above it. known are the machines that are registered already.
func (p IPAM) Assign(m *Machine, known []Machine) error {
	used := map[uint]bool{}
	for _, k := range known {
		if k.Spec.Rack == m.Spec.Rack {
			used[k.Spec.IndexInRack] = true
		}
	}
	index := p.Index
	if m.Spec.Role != "boot" {
		for index++; used[index]; index++ {
		}
	}
	if used[index] {
		return fmt.Errorf("machine %s: rack %d: %w", m.Spec.Serial, m.Spec.Rack, ErrBootServer)
	}
	if index > p.Index+p.MaxNodes { // the boot server is not counted
		return fmt.Errorf("machine %s: rack %d: %w", m.Spec.Serial, m.Spec.Rack, ErrRackFull)
	}
	m.Spec.IndexInRack = index
	p.address(m)
	return nil
}

// Dummy returns a machine without role and labels. An uploaded ignition template is
// checked by rendering it for this machine.
func (p IPAM) Dummy() Machine {
	m := Machine{Spec: Spec{Serial: "1234abcd", Rack: 1, IndexInRack: 1}, Status: Status{State: "uninitialized"}}
	p.address(&m)
	return m
}

// address sets the addresses of m according to its rack and its index in the rack.
func (p IPAM) address(m *Machine) {
	m.Spec.IPv4, m.Spec.IPv6, m.Info = nil, nil, Info{}
	for i := range p.PerNode {
		n := (1<<p.NodeSize)*(p.PerNode*m.Spec.Rack+i) + m.Spec.IndexInRack
		nic := configure(number(p.NodePool.Addr())+offset(p.NodeOffset)+uint32(n), p.NodeMask, p.NodeGateway)
		m.Spec.IPv4 = append(m.Spec.IPv4, nic.Address)
		m.Info.Network.IPv4 = append(m.Info.Network.IPv4, nic)
	}
	n := (1<<p.BMCSize)*m.Spec.Rack + m.Spec.IndexInRack
	m.Info.BMC.IPv4 = configure(number(p.BMCPool.Addr())+offset(p.BMCOffset)+uint32(n), p.BMCMask, p.BMCGateway)
	m.Spec.BMC.IPv4, m.Spec.BMC.IPv6 = m.Info.BMC.IPv4.Address, ""
}

// configure returns the configuration of a network interface. Its gateway is the address
// with the number gateway in its network.
func configure(address uint32, bits int, gateway uint) NIC {
	mask := binary.BigEndian.Uint32(net.CIDRMask(bits, 32))
	return NIC{Address: dotted(address), Netmask: dotted(mask), MaskBits: bits, Gateway: dotted(address&mask + uint32(gateway))}
}

func dotted(n uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b).String()
}

func offset(s string) uint32 {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return 0 // absent; Check has refused anything else
	}
	return number(a)
}

func number(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}
