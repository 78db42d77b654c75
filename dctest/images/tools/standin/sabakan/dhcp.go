package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv4/server4"
	"github.com/insomniacslk/dhcp/iana"
	"golang.org/x/net/ipv4"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

const (
	// firstLease and lastLease are the numbers of the leased addresses in their network.
	firstLease, lastLease = 32, 62
	// relayed is how long sabakan waits before it answers a relayed request.
	relayed = 50 * time.Millisecond
	// httpClient begins the vendor class of UEFI's HTTP boot, and is that of the answer.
	httpClient = "HTTPClient"
)

// dhcpConfig is the body of PUT config/dhcp.
type dhcpConfig struct {
	GatewayOffset uint     `json:"gateway-offset"`
	LeaseMinutes  uint     `json:"lease-minutes"`
	DNS           []net.IP `json:"dns-servers"`
}

// leases are those of one network, by address.
type leases map[netip.Addr]lease

type lease struct {
	MAC   string    `json:"mac"`
	Until time.Time `json:"until"`
}

// dhcp answers DHCP requests.
type dhcp struct {
	*server
	// self is the address of this server.
	self netip.Addr
	now  func() time.Time
}

// newDHCP returns a DHCP server with the address in the URL of this sabakan.
func newDHCP(s *server) (dhcp, error) {
	u, err := url.Parse(s.blobs.self)
	if err != nil {
		return dhcp{}, err
	}
	self, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return dhcp{}, fmt.Errorf("advertise-url: %w", err)
	}
	return dhcp{s, self, time.Now}, nil
}

// serve answers requests at address until ctx ends.
func (d dhcp) serve(ctx context.Context, address string) error {
	at, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return fmt.Errorf("dhcp-bind: %w", err)
	}
	srv, err := server4.NewServer("", at, func(conn net.PacketConn, peer net.Addr, m *dhcpv4.DHCPv4) {
		ctx, cancel := context.WithTimeout(ctx, store.MaxWait)
		defer cancel()
		answer, err := d.answer(ctx, m)
		if err != nil {
			fmt.Printf("DHCP: %s from %s: %v\n", m.MessageType(), m.ClientHWAddr, err)
		}
		if answer == nil {
			return
		}
		if !m.GatewayIPAddr.IsUnspecified() {
			peer = &net.UDPAddr{IP: m.GatewayIPAddr, Port: dhcpv4.ServerPort}
			select {
			case <-time.After(relayed):
			case <-ctx.Done():
				return
			}
		}
		// Relays take answers only from the address of the server, which is on node0.
		from := &ipv4.ControlMessage{Src: d.self.AsSlice()}
		if _, err := ipv4.NewPacketConn(conn).WriteTo(answer.ToBytes(), from, peer); err != nil {
			fmt.Printf("DHCP: answer to %s: %v\n", peer, err)
		}
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(); ctx.Err() == nil {
		return err
	}
	return nil
}

// answer returns the answer to a message, or nil if there is none. It answers what a relay has
// sent on, and renewals; the original also answers broadcasts in its own networks.
func (d dhcp) answer(ctx context.Context, m *dhcpv4.DHCPv4) (*dhcpv4.DHCPv4, error) {
	from := m.GatewayIPAddr
	if from.IsUnspecified() {
		from = m.ClientIPAddr
	}
	near, ok := netip.AddrFromSlice(from.To4())
	if m.OpCode != dhcpv4.OpcodeBootRequest || !ok || near.IsUnspecified() {
		return nil, nil
	}
	plan, config, err := d.configs(ctx)
	if err != nil {
		return nil, err
	}
	network := netip.PrefixFrom(near, plan.NodeMask).Masked()
	switch m.MessageType() {
	case dhcpv4.MessageTypeDiscover:
		address, err := d.lease(ctx, network, m, config)
		if err != nil {
			return nil, err
		}
		return d.offer(m, dhcpv4.MessageTypeOffer, address, network, config)
	case dhcpv4.MessageTypeRequest:
		if server := m.ServerIdentifier(); server != nil && !server.Equal(d.self.AsSlice()) {
			return nil, nil
		}
		address, err := d.lease(ctx, network, m, config)
		if err != nil {
			return nil, err
		}
		if wanted := requested(m); wanted != address {
			return dhcpv4.NewReplyFromRequest(m, dhcpv4.WithMessageType(dhcpv4.MessageTypeNak), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(d.self.AsSlice())))
		}
		return d.offer(m, dhcpv4.MessageTypeAck, address, network, config)
	}
	return nil, nil
}

func (d dhcp) configs(ctx context.Context) (inventory.IPAM, dhcpConfig, error) {
	config := dhcpConfig{GatewayOffset: 1, LeaseMinutes: 60}
	plan, err := d.ipam(ctx)
	if err != nil {
		return plan, config, err
	}
	p, err := d.store.Get(ctx, "config/dhcp")
	if err == nil {
		err = json.Unmarshal(p.Value, &config)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = errors.New("DHCP is not configured")
	}
	return plan, config, err
}

// requested returns the address that a message asks for.
func requested(m *dhcpv4.DHCPv4) netip.Addr {
	ip := m.RequestedIPAddress()
	if ip == nil || ip.IsUnspecified() {
		ip = m.ClientIPAddr
	}
	a, _ := netip.AddrFromSlice(ip.To4())
	return a
}

// lease returns the address of the sender in a network, and leases it to the sender for as long as
// is configured. All servers share the leases.
func (d dhcp) lease(ctx context.Context, network netip.Prefix, m *dhcpv4.DHCPv4, config dhcpConfig) (netip.Addr, error) {
	key, mac := "leases/"+network.Addr().String(), m.ClientHWAddr.String()
	for {
		p, err := d.store.Get(ctx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return netip.Addr{}, err
		}
		all := leases{}
		if err == nil {
			if err := json.Unmarshal(p.Value, &all); err != nil {
				return netip.Addr{}, err
			}
		}
		address, ok := all.choose(network, mac, d.now())
		if !ok {
			return netip.Addr{}, fmt.Errorf("no address is free in %s", network)
		}
		all[address] = lease{mac, d.now().Add(time.Duration(config.LeaseMinutes) * time.Minute)}
		data, err := json.Marshal(all)
		if err != nil {
			return netip.Addr{}, err
		}
		if err := d.store.Update(ctx, key, p.Rev, data); !errors.Is(err, store.ErrConflict) {
			return address, err
		}
	}
}

// choose returns the address that a sender has in a network, or a free one.
func (all leases) choose(network netip.Prefix, mac string, now time.Time) (netip.Addr, bool) {
	for a, l := range all {
		if l.MAC == mac {
			return a, true
		}
	}
	for n := firstLease; n <= lastLease; n++ {
		a := numbered(network, uint(n))
		if l, taken := all[a]; !taken || l.Until.Before(now) {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// numbered returns the address with a number in a network.
func numbered(network netip.Prefix, n uint) netip.Addr {
	b := network.Addr().As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(n))
	return netip.AddrFrom4(b)
}

// offer returns an offer or an acknowledgement, with the file that the sender boots.
func (d dhcp) offer(m *dhcpv4.DHCPv4, kind dhcpv4.MessageType, address netip.Addr, network netip.Prefix, c dhcpConfig) (*dhcpv4.DHCPv4, error) {
	with := []dhcpv4.Modifier{
		dhcpv4.WithMessageType(kind), dhcpv4.WithYourIP(address.AsSlice()), dhcpv4.WithServerIP(d.self.AsSlice()),
		dhcpv4.WithNetmask(net.CIDRMask(network.Bits(), 32)), dhcpv4.WithRouter(numbered(network, c.GatewayOffset).AsSlice()),
		dhcpv4.WithLeaseTime(uint32(c.LeaseMinutes * 60)), dhcpv4.WithOption(dhcpv4.OptServerIdentifier(d.self.AsSlice())),
	}
	if len(c.DNS) > 0 {
		with = append(with, dhcpv4.WithDNS(c.DNS...))
	}
	switch {
	case string(m.Options.Get(dhcpv4.OptionUserClassInformation)) == "iPXE":
		with = append(with, bootFile(d.blobs.self+"/api/v1/boot/coreos/ipxe"))
	case strings.HasPrefix(m.ClassIdentifier(), httpClient) && overHTTP(m.ClientArch()):
		with = append(with, dhcpv4.WithOption(dhcpv4.OptClassIdentifier(httpClient)), bootFile(d.blobs.self+"/api/v1/boot/ipxe.efi"))
	}
	return dhcpv4.NewReplyFromRequest(m, with...)
}

func overHTTP(all []iana.Arch) bool {
	return len(all) == 1 && (all[0] == iana.EFI_X86_HTTP || all[0] == iana.EFI_X86_64_HTTP)
}

func bootFile(url string) dhcpv4.Modifier {
	return func(m *dhcpv4.DHCPv4) { m.BootFileName = url }
}
