package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// ipam is the IPAM configuration.
type ipam struct {
	MaxNodes   uint         `json:"max-nodes-in-rack"`
	NodePool   netip.Prefix `json:"node-ipv4-pool"`
	NodeOffset string       `json:"node-ipv4-offset"`
	NodeSize   uint         `json:"node-ipv4-range-size"`
	PerNode    uint         `json:"node-ip-per-node"`
	Index      uint         `json:"node-index-offset"`
	BMCPool    netip.Prefix `json:"bmc-ipv4-pool"`
	BMCOffset  string       `json:"bmc-ipv4-offset"`
	BMCSize    uint         `json:"bmc-ipv4-range-size"`
}

func (s *server) ipam(ctx context.Context) (ipam, error) {
	var plan ipam
	p, err := s.store.Get(ctx, "config/ipam")
	if errors.Is(err, store.ErrNotFound) {
		return plan, fail(http.StatusInternalServerError, "there is no IPAM configuration yet")
	}
	if err == nil {
		err = json.Unmarshal(p.Value, &plan)
	}
	return plan, err
}

// assign gives a machine its index in the rack and its addresses.
func (p ipam) assign(s *spec, known []machine) error {
	used := map[uint]bool{}
	for _, m := range known {
		if m.Spec.Rack == s.Rack {
			used[m.Spec.IndexInRack] = true
		}
	}
	s.IndexInRack = p.Index // the index of the boot server
	if s.Role != "boot" {
		for s.IndexInRack++; used[s.IndexInRack]; s.IndexInRack++ {
		}
	}
	if used[s.IndexInRack] {
		return fail(http.StatusConflict, "rack %d has a boot server", s.Rack)
	}
	if s.IndexInRack > p.Index+p.MaxNodes { // MaxNodes does not include the boot server
		return fail(http.StatusBadRequest, "rack %d is full", s.Rack)
	}
	s.IPv4 = nil
	for i := range p.PerNode {
		n := (1<<p.NodeSize)*(p.PerNode*s.Rack+i) + s.IndexInRack
		s.IPv4 = append(s.IPv4, add(p.NodePool.Addr(), p.NodeOffset, n))
	}
	s.BMC.IPv4 = add(p.BMCPool.Addr(), p.BMCOffset, (1<<p.BMCSize)*s.Rack+s.IndexInRack)
	return nil
}

// add returns the address a + offset + n, where offset is in dotted notation or empty.
func add(a netip.Addr, offset string, n uint) string {
	sum := number(a) + uint32(n)
	if o, err := netip.ParseAddr(offset); err == nil {
		sum += number(o)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], sum)
	return netip.AddrFrom4(b).String()
}

func number(a netip.Addr) uint32 {
	if !a.Is4() {
		return 0
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func (s *server) getConfig(r *http.Request) (int, any, error) {
	p, err := s.store.Get(r.Context(), "config/"+r.PathValue("name"))
	if err != nil {
		return 0, nil, err
	}
	return ok(json.RawMessage(p.Value))
}

func (s *server) putConfig(r *http.Request) (int, any, error) {
	name := r.PathValue("name")
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	switch name {
	case "dhcp":
		var into struct {
			LeaseMinutes uint     `json:"lease-minutes"`
			DNS          []string `json:"dns-servers"`
		}
		err = json.Unmarshal(data, &into)
	case "ipam":
		var into ipam
		if err = json.Unmarshal(data, &into); err == nil && (into.PerNode == 0 || into.MaxNodes == 0 || !into.NodePool.IsValid()) {
			err = errors.New("a field is missing")
		}
	default:
		return 0, nil, fail(http.StatusNotFound, "no configuration %s", name)
	}
	if err != nil {
		return 0, nil, fail(http.StatusBadRequest, "config/%s: %v", name, err)
	}
	if known, err := s.machines(r.Context()); name == "ipam" && (err != nil || len(known) > 0) {
		return 0, nil, fail(http.StatusInternalServerError, "config/ipam: there are machines already")
	}
	p, err := s.store.Get(r.Context(), "config/"+name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, nil, err
	}
	return http.StatusOK, nil, s.store.Update(r.Context(), "config/"+name, p.Rev, data)
}
