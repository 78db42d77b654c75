package setup

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/vault"
)

// RealHost returns this boot server with its files below root. It pulls images through
// the HTTP proxy at the URL proxy, or directly if proxy is empty.
func RealHost(root, proxy string) (Host, error) {
	transport, err := host.NewTransport(proxy)
	if err != nil {
		return Host{}, err
	}
	fsys := host.FS{Root: root}
	return Host{
		FS: fsys, Units: host.Units{},
		Containers: host.Containers{FS: fsys, Transport: transport, Digests: release.ArtifactDigests()},
		Addresses:  interfaceAddresses, TrustServerCA: updateTrust,
		Vault: func(token string) (*api.Client, error) {
			return vault.Open(vault.Local, fsys.Path(neco.ServerCAFile), token)
		},
	}, nil
}

// interfaceAddresses returns the addresses of each network interface of this machine by
// its name.
func interfaceAddresses() (map[string][]netip.Addr, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	found := map[string][]netip.Addr{}
	for _, i := range all {
		addrs, err := i.Addrs()
		if err != nil {
			return nil, fmt.Errorf("addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				found[i.Name] = append(found[i.Name], p.Addr())
			}
		}
	}
	return found, nil
}

// updateTrust updates the system's CA store after a change in
// /usr/local/share/ca-certificates.
func updateTrust(ctx context.Context) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "update-ca-certificates")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("update-ca-certificates: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}
