// Sabakan imitates the program of that name, which network-boots the nodes and keeps the
// inventory: its REST API, GraphQL, the files of network boot and, with the flag -dhcp, DHCP.
//
// It owns its data below one prefix in etcd, or in its data directory if there is no
// etcd. Uploaded files are in the data directory of the server to which they were sent,
// and the other servers copy them from there.
package main

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

type config struct {
	HTTP         string       `json:"http"`
	DataDir      string       `json:"data-dir"`
	AdvertiseURL string       `json:"advertise-url"`
	DHCPBind     string       `json:"dhcp-bind"`
	AllowIPs     []netip.Addr `json:"allow-ips"`
	IPXE         string       `json:"ipxe-efi-path"`
	Etcd         store.Config `json:"etcd"`
}

func main() {
	file := flag.String("config-file", "", "configuration")
	withDHCP := flag.Bool("dhcp", false, "answer DHCP; several on one machine cannot")
	flag.Parse()
	cli.Main("sabakan", func(ctx context.Context) error { return run(ctx, *file, *withDHCP) })
}

func run(ctx context.Context, file string, withDHCP bool) error {
	c := config{
		DHCPBind: "0.0.0.0:10067",
		HTTP:     "0.0.0.0:10080", DataDir: "/var/lib/sabakan", AllowIPs: loopback(), IPXE: "/usr/lib/ipxe/ipxe.efi",
		Etcd: store.Config{Prefix: "/sabakan/"},
	}
	if file != "" {
		if err := cli.ReadConfig(file, &c); err != nil {
			return err
		}
	}
	if c.AdvertiseURL == "" {
		return errors.New("advertise-url is not configured")
	}
	s, err := store.Open(c.Etcd, filepath.Join(c.DataDir, "store"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.DataDir, "blobs"), 0o755); err != nil {
		return err
	}
	srv := &server{
		store: s, allow: c.AllowIPs, ipxe: c.IPXE,
		blobs: blobs{dir: filepath.Join(c.DataDir, "blobs"), self: c.AdvertiseURL, client: http.DefaultClient},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var parts sync.WaitGroup
	parts.Go(func() { srv.replicate(ctx) })
	var dhcpErr error
	if withDHCP {
		d, err := newDHCP(srv)
		if err != nil {
			return err
		}
		parts.Go(func() {
			dhcpErr = d.serve(ctx, c.DHCPBind)
			cancel()
		})
	}
	err = cli.Serve(ctx, c.HTTP, srv.handler())
	cancel()
	parts.Wait()
	return errors.Join(err, dhcpErr)
}

// loopback returns the addresses of clients whose requests may change something by
// default.
func loopback() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
}
