package menu

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Seed is the data for a cloud-init template: everything that a server needs to configure
// itself. Fields called Network include the prefix length, and fields called Address do
// not.
type Seed struct {
	Name, Serial, Kind string
	ClusterID          string
	ASN                uint32
	Rack               SeedRack
	Index              int
	// Node0Address is the server's own address. Node1Network and Node2Network are the
	// addresses of its interfaces eth0 and eth1.
	Node0Address               netip.Addr
	Node1Network, Node2Network netip.Prefix
	// BastionAddress is the server's address for operators. It is set for boot servers
	// only.
	BastionAddress netip.Addr
	BMCAddress     netip.Addr
	ToR1Address    netip.Addr
	ToR2Address    netip.Addr
	NTPServers     []netip.Addr
	// Proxy is the URL of the HTTP proxy.
	Proxy string
	// BirdConf is the text of the server's BIRD configuration.
	BirdConf string
}

// SeedRack is the rack of a server.
type SeedRack struct {
	Index int
	Name  string
}

// defaultSeed is the template for boot servers whose menu names no template.
const defaultSeed = "seed.yml"

func (m *Menu) seedFiles(files map[string][]byte, c *cluster.Cluster) error {
	for _, n := range c.Nodes {
		if n.Server == nil || n.Server.Seed == "" {
			continue
		}
		data, err := m.seed(n, string(files[n.BirdConf]))
		if err != nil {
			return fmt.Errorf("write %s: %w", n.Server.Seed, err)
		}
		files[n.Server.Seed] = data
	}
	return nil
}

// seed returns the seed of a server: the template for servers of its type, filled with
// the server's data.
func (m *Menu) seed(n cluster.Node, birdConf string) ([]byte, error) {
	spec := m.Servers[n.Kind]
	if spec.SeedTemplate == "" {
		return render(defaultSeed, m.seedOf(n, birdConf))
	}
	t, err := template.New(spec.SeedTemplate).Funcs(template.FuncMap{"indent": indent}).Parse(spec.SeedText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, m.seedOf(n, birdConf)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// indent indents all lines of text except the first, so that text can be embedded in
// YAML.
func indent(spaces int, text string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+strings.Repeat(" ", spaces))
}

func (m *Menu) seedOf(n cluster.Node, birdConf string) Seed {
	rack, about := *n.Rack, m.machine(n)
	return Seed{
		Name: n.Name, Serial: n.Server.Serial, Kind: string(n.Kind), ClusterID: m.Inventory.ClusterID,
		ASN: n.ASN, Rack: SeedRack{rack, fmt.Sprintf("rack%d", rack)}, Index: n.Server.Index,
		Node0Address: about.Node0, BastionAddress: about.Bastion, BMCAddress: about.BMC,
		Node1Network: m.IPAM.node(rack, n.Server.Index, 1), Node2Network: m.IPAM.node(rack, n.Server.Index, 2),
		ToR1Address: m.IPAM.tor(rack, 1).Addr(), ToR2Address: m.IPAM.tor(rack, 2).Addr(),
		NTPServers: m.ntpServers(), Proxy: fmt.Sprintf("http://%s:%d", m.Network.Proxy, proxyPort),
		BirdConf: birdConf,
	}
}
