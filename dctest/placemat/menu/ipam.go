package menu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
)

// IPAM is sabakan's IPAM configuration (PUT config/ipam). A range size is the number of
// host bits of a rack's range; a range mask is a prefix length.
type IPAM struct {
	MaxNodesInRack    int          `json:"max-nodes-in-rack"`
	NodePool          netip.Prefix `json:"node-ipv4-pool"`
	NodeOffset        netip.Addr   `json:"node-ipv4-offset,omitzero"`
	NodeRangeSize     int          `json:"node-ipv4-range-size"`
	NodeRangeMask     int          `json:"node-ipv4-range-mask"`
	NodeIPPerNode     int          `json:"node-ip-per-node"`
	NodeIndexOffset   int          `json:"node-index-offset"`
	NodeGatewayOffset int          `json:"node-gateway-offset"`
	BMCPool           netip.Prefix `json:"bmc-ipv4-pool"`
	BMCOffset         netip.Addr   `json:"bmc-ipv4-offset,omitzero"`
	BMCRangeSize      int          `json:"bmc-ipv4-range-size"`
	BMCRangeMask      int          `json:"bmc-ipv4-range-mask"`
	BMCGatewayOffset  int          `json:"bmc-ipv4-gateway-offset"`
}

// loadIPAM reads and checks the IPAM configuration. The default of gateway offsets is 1.
func loadIPAM(name string) (IPAM, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return IPAM{}, err
	}
	ipam := IPAM{NodeGatewayOffset: 1, BMCGatewayOffset: 1}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ipam); err != nil {
		return IPAM{}, fmt.Errorf("read %s: %w", name, err)
	}
	if dec.More() {
		return IPAM{}, fmt.Errorf("read %s: more than one object", name)
	}
	if err := ipam.check(); err != nil {
		return IPAM{}, fmt.Errorf("%s: %w", name, err)
	}
	return ipam, nil
}

// The fixed layout of a rack: each server has three addresses (node0, node1, node2), and
// the boot server has the index 3.
const (
	addressesPerNode = 3
	bootIndex        = 3
)

// check returns an error for the first invalid field of the configuration, or nil. The
// text of the error starts with the name of that field.
func (p IPAM) check() error {
	for _, pool := range []struct {
		name string
		p    netip.Prefix
	}{{"node-ipv4-pool", p.NodePool}, {"bmc-ipv4-pool", p.BMCPool}} {
		if !pool.p.IsValid() || !pool.p.Addr().Is4() {
			return fmt.Errorf("%s: want an IPv4 CIDR", pool.name)
		}
		if pool.p != pool.p.Masked() {
			return fmt.Errorf("%s: %s has host bits, the network is %s", pool.name, pool.p, pool.p.Masked())
		}
	}
	if err := p.checkNumbers(); err != nil {
		return err
	}
	for _, o := range []struct {
		name string
		a    netip.Addr
		size int
	}{{"node-ipv4-offset", p.NodeOffset, p.NodeRangeSize}, {"bmc-ipv4-offset", p.BMCOffset, p.BMCRangeSize}} {
		if o.a.IsValid() && (!o.a.Is4() || ip(o.a)%(1<<o.size) != 0) {
			return fmt.Errorf("%s: want a multiple of the range's 2^%d addresses, dotted; it is %s", o.name, o.size, o.a)
		}
	}
	return nil
}

func (p IPAM) checkNumbers() error {
	// As in sabakan, max-nodes-in-rack does not include the boot server, which has the first index.
	last := p.NodeIndexOffset + p.MaxNodesInRack
	lastBMC := broadcast(p.BMCRangeSize)
	if p.BMCRangeMask < 32-p.BMCRangeSize {
		lastBMC++ // the network of BMCs is larger than a rack's range: no broadcast at its end
	}
	for _, c := range []struct {
		name string
		got  int
		ok   bool
		want string
	}{
		{"node-ip-per-node", p.NodeIPPerNode, p.NodeIPPerNode == addressesPerNode, "3"},
		{"node-index-offset", p.NodeIndexOffset, p.NodeIndexOffset == bootIndex, "3"},
		{"node-gateway-offset", p.NodeGatewayOffset, 1 <= p.NodeGatewayOffset && p.NodeGatewayOffset < bootIndex, "1 or 2"},
		{"bmc-ipv4-gateway-offset", p.BMCGatewayOffset, p.BMCGatewayOffset >= 1, "1 or more"},
		{"node-ipv4-range-size", p.NodeRangeSize, 3 <= p.NodeRangeSize && p.NodeRangeSize <= 16, "3 to 16"},
		{"node-ipv4-range-mask", p.NodeRangeMask, p.NodeRangeMask == 32-p.NodeRangeSize, "32 - node-ipv4-range-size"},
		{"bmc-ipv4-range-size", p.BMCRangeSize, 3 <= p.BMCRangeSize && p.BMCRangeSize <= 16, "3 to 16"},
		{"bmc-ipv4-range-mask", p.BMCRangeMask, p.BMCPool.Bits() <= p.BMCRangeMask && p.BMCRangeMask <= 32-p.BMCRangeSize, "from the pool's to 32 - bmc-ipv4-range-size"},
		{"max-nodes-in-rack", p.MaxNodesInRack, p.MaxNodesInRack >= 1 && p.MaxNodesInRack < 1<<16, "1 to 65535"},
		{"max-nodes-in-rack", p.MaxNodesInRack, last < broadcast(p.NodeRangeSize), "what fits into node-ipv4-range-size"},
		{"max-nodes-in-rack", p.MaxNodesInRack, last < lastBMC, "what fits into bmc-ipv4-range-size"},
	} {
		if !c.ok {
			return fmt.Errorf("%s must be %s, it is %d", c.name, c.want, c.got)
		}
	}
	return nil
}

// broadcast returns the last number in a range of 2^size addresses, which no node may
// have. It treats a negative size, for which check returns an error, as 0.
func broadcast(size int) int { return 1<<max(size, 0) - 1 }
