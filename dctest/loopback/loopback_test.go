package loopback_test

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/cybozu-go/neco/dctest/loopback"
)

func TestFreeAddressesDifferAndCanBeUsed(t *testing.T) {
	all, err := loopback.FreeAddresses(20)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 20 {
		t.Errorf("%d different addresses", n)
	}
}

// Before, another program's connection could take the port before the program that it was for.
func TestNoConnectionGetsAReservedPort(t *testing.T) {
	all, err := loopback.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	reserved, err := netip.ParseAddrPort(all[0])
	if err != nil {
		t.Fatal(err)
	}
	l, err := loopback.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, from := range []netip.Addr{reserved.Addr(), netip.MustParseAddr("127.3.2.1")} {
		local := netip.AddrPortFrom(from, reserved.Port())
		conn, err := (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local)}).DialContext(t.Context(), "tcp", l.Addr().String())
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("from %s: %v", local, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestAFreeUDPAddressCanBeUsed(t *testing.T) {
	a, err := loopback.FreeUDPAddress()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenPacket("udp", a)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
