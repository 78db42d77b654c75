package loopback_test

import (
	"net"
	"slices"
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
