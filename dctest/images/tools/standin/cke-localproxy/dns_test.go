package main

import (
	"context"
	"net"
	"testing"
)

func TestTheResolverKnowsOneName(t *testing.T) {
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.LocalAddr().String()
	free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- resolve(ctx, address) }()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	for {
		found, err := r.LookupHost(ctx, clusterName)
		if err == nil {
			if len(found) != 1 || found[0] != "10.68.0.1" {
				t.Errorf("found %v", found)
			}
			break
		}
		select { // it does not listen yet
		case err := <-ended:
			t.Fatal(err)
		default:
		}
	}
	if found, err := r.LookupHost(ctx, "api.github.com."); err == nil {
		t.Errorf("found %v", found)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
