package main

import (
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"
)

// lab is a DHCP server with a clock that tests set.
type lab struct {
	*testing.T
	dhcp
	at time.Time
}

func newLab(t *testing.T) *lab {
	t.Helper()
	c, s := newServers(t)
	c.call(http.StatusOK, http.MethodPut, "/api/v1/config/ipam", plan)
	c.call(http.StatusOK, http.MethodPut, "/api/v1/config/dhcp", `{"gateway-offset": 1, "lease-minutes": 60, "dns-servers": ["10.0.0.53"]}`)
	d, err := newDHCP(s)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, dhcp: d, at: time.Now()}
	l.now = func() time.Time { return l.at }
	return l
}

// ask returns the answer to a message of the n-th sender, relayed by the switch of rack 1.
func (l *lab) ask(n byte, with ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	l.Helper()
	with = append([]dhcpv4.Modifier{
		dhcpv4.WithHwAddr(net.HardwareAddr{2, 0, 0, 0, 0, n}), dhcpv4.WithGatewayIP(net.IPv4(10, 69, 1, 1)), dhcpv4.WithMessageType(dhcpv4.MessageTypeDiscover),
	}, with...)
	m, err := dhcpv4.New(with...)
	if err != nil {
		l.Fatal(err)
	}
	answer, err := l.answer(l.Context(), m)
	if err != nil {
		l.Logf("%d: %v", n, err)
	}
	return answer
}

// request asks the server for an address.
func (l *lab) request(n byte, address net.IP) *dhcpv4.DHCPv4 {
	l.Helper()
	return l.ask(n, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(address)))
}

func TestAnAddressIsOfferedAndLeased(t *testing.T) {
	l := newLab(t)
	offer := l.ask(1)
	if offer.MessageType() != dhcpv4.MessageTypeOffer || offer.YourIPAddr.String() != "10.69.1.32" || offer.Router()[0].String() != "10.69.1.1" ||
		net.IP(offer.SubnetMask()).String() != "255.255.255.192" || offer.ServerIPAddr.String() != "10.69.0.3" || offer.DNS()[0].String() != "10.0.0.53" ||
		offer.IPAddressLeaseTime(0) != time.Hour || offer.BootFileName != "" {
		t.Error(offer.Summary())
	}
	for n, want := range map[byte]dhcpv4.MessageType{1: dhcpv4.MessageTypeAck, 2: dhcpv4.MessageTypeNak} {
		if got := l.request(n, offer.YourIPAddr); got.MessageType() != want {
			t.Errorf("sender %d: %s", n, got.Summary())
		}
	}
	renewal := l.ask(1, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithGatewayIP(net.IPv4zero), dhcpv4.WithClientIP(offer.YourIPAddr))
	if renewal.MessageType() != dhcpv4.MessageTypeAck || !renewal.YourIPAddr.Equal(offer.YourIPAddr) {
		t.Errorf("a renewal: %s", renewal.Summary())
	}
	if got := l.ask(1, dhcpv4.WithGatewayIP(net.IPv4zero)); got != nil {
		t.Errorf("a broadcast: %s", got.Summary())
	}
	other := dhcpv4.WithOption(dhcpv4.OptServerIdentifier(net.IPv4(10, 69, 0, 195)))
	if got := l.ask(1, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), other); got != nil {
		t.Errorf("a request to another server: %s", got.Summary())
	}
}

func TestEachClientGetsItsBootFile(t *testing.T) {
	l := newLab(t)
	arch := dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64_HTTP))
	for name, c := range map[string]struct {
		with        []dhcpv4.Modifier
		file, class string
	}{
		"UEFI HTTP boot": {[]dhcpv4.Modifier{arch, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("HTTPClient:Arch:00016:UNDI:003001"))}, "/api/v1/boot/ipxe.efi", "HTTPClient"},
		"iPXE":           {[]dhcpv4.Modifier{arch, dhcpv4.WithUserClass("iPXE", false)}, "/api/v1/boot/coreos/ipxe", ""},
		"PXE of a BIOS":  {[]dhcpv4.Modifier{dhcpv4.WithOption(dhcpv4.OptClientArch(iana.INTEL_X86PC)), dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient"))}, "", ""},
	} {
		want := ""
		if c.file != "" {
			want = self + c.file
		}
		if got := l.ask(1, c.with...); got.BootFileName != want || got.ClassIdentifier() != c.class {
			t.Errorf("%s: %s", name, got.Summary())
		}
	}
}

func TestANetworkHas31Leases(t *testing.T) {
	l := newLab(t)
	seen := map[string]bool{}
	for n := range byte(31) {
		seen[l.ask(n).YourIPAddr.String()] = true
	}
	if len(seen) != 31 || !seen["10.69.1.62"] {
		t.Errorf("%d addresses", len(seen))
	}
	if got := l.ask(31); got != nil {
		t.Errorf("one more: %s", got.Summary())
	}
	l.at = l.at.Add(61 * time.Minute)
	if got := l.ask(31); got == nil {
		t.Error("leases do not end")
	}
	if got := numbered(netip.MustParsePrefix("10.69.1.0/26"), 62).String(); got != "10.69.1.62" {
		t.Error(got)
	}
}
