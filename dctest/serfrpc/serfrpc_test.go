package serfrpc_test

import (
	"net"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/serfrpc"
)

func TestTheClientOfSerfReadsTheMembers(t *testing.T) {
	l, err := loopback.Listen()
	if err != nil {
		t.Fatal(err)
	}
	want := []client.Member{
		{Name: "a", Addr: net.IPv4(10, 0, 0, 1).To4(), Status: "alive", Tags: map[string]string{"version": "1"}},
		{Name: "b", Addr: net.IPv4(10, 0, 0, 2).To4(), Status: "failed", Tags: map[string]string{}},
	}
	s := serfrpc.Serve(l, func() []client.Member { return want })
	c, err := client.NewRPCClient(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := c.Members(); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%v, %v\n%s", got, err, cmp.Diff(want, got))
		}
	}
	if got, err := c.MembersFiltered(map[string]string{"version": "1"}, "", ""); err != nil || !cmp.Equal(got, want[:1]) {
		t.Errorf("those of version 1: %v, %v", got, err)
	}
	s.Close()
	if _, err := c.Members(); err == nil {
		t.Error("a closed server answers")
	}
	_ = c.Close()
}
