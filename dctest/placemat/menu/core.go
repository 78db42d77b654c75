package menu

import (
	"fmt"
	"net/netip"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// coreView is the data for the templates of the core's services and of scripts.
type coreView struct {
	Proxy netip.Addr
	Port  int
	// Inside are the networks that the proxy and the time servers accept as clients.
	Inside []netip.Prefix
	// Uplink is the core's interface to the simulated internet. Global is the network to
	// which the internet has a route.
	Uplink string
	Global netip.Prefix
	// Gateway is the core's address in the network of the node on which the script runs.
	Gateway netip.Addr
}

// ignition is that part of a Container Linux Config that defines files.
type ignition struct {
	Storage struct {
		Files []ignitionFile `json:"files"`
	} `json:"storage"`
}

type ignitionFile struct {
	Filesystem string `json:"filesystem"`
	Path       string `json:"path"`
	Mode       int    `json:"mode"`
	Contents   struct {
		Inline string `json:"inline"`
	} `json:"contents"`
}

// coreFiles adds to files the configurations of the core's services, and the scripts of
// the nodes core, external and operation.
func (m *Menu) coreFiles(files map[string][]byte, c *cluster.Cluster) error {
	n := m.Network
	view := coreView{
		Proxy: n.Proxy, Port: proxyPort, Global: n.Exposed.Global,
		Inside: append([]netip.Prefix{m.IPAM.NodePool, n.CoreOperation, n.CoreExternal}, m.exposed()...),
		Uplink: c.Between("internet", "core")[0].B.Interface,
	}
	for _, f := range []struct {
		name, template string
		gateway        netip.Addr
	}{
		{squidFile, "squid.conf", netip.Addr{}},
		{chronyFile, "chrony.conf", netip.Addr{}},
		{iptablesFile, "setup-iptables.sh", netip.Addr{}},
		{gatewayFile("external"), "setup-default-gateway.sh", nth(n.CoreExternal, 1).Addr()},
		{gatewayFile("operation"), "setup-default-gateway.sh", nth(n.CoreOperation, 1).Addr()},
	} {
		view.Gateway = f.gateway
		data, err := render(f.template, view)
		if err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		files[f.name] = data
	}
	return chronyIgnition(files)
}

// chronyIgnition adds to files a Container Linux Config with the configuration for the
// time servers, for machines that Ignition sets up.
func chronyIgnition(files map[string][]byte) error {
	var config ignition
	file := ignitionFile{Filesystem: "root", Path: "/etc/chrony.conf", Mode: 0o644}
	file.Contents.Inline = string(files[chronyFile])
	config.Storage.Files = []ignitionFile{file}
	data, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("write %s: %w", chronyIgnitionFile, err)
	}
	files[chronyIgnitionFile] = data
	return nil
}
