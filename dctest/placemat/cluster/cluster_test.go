package cluster

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// small returns a spine, a ToR with a rack's segment, and a boot server.
func small() *Cluster {
	rack := 0
	cidr, addr := netip.MustParsePrefix, netip.MustParseAddr
	return &Cluster{
		Name: "dev", ASNBase: 64600,
		Nodes: []Node{
			{
				Name: "spine1", Kind: Spine, ASN: 64599, RouterID: addr("10.0.1.0"), BirdConf: "bird_spine1.conf",
				Sysctls:    map[string]string{"net.ipv4.ip_forward": "1"},
				Interfaces: []Interface{{Name: "eth0", Type: LinkEnd, Addresses: []netip.Prefix{cidr("10.0.1.0/31")}}},
				Sessions:   []Session{{Peer: "rack0-tor1", Address: addr("10.0.1.1"), ASN: 64600}},
			},
			{
				Name: "rack0-tor1", Kind: ToR, Rack: &rack, ASN: 64600, RouterID: addr("10.69.0.65"), BirdConf: "bird_rack0-tor1.conf",
				Interfaces: []Interface{
					{Name: "eth0", Type: LinkEnd, Addresses: []netip.Prefix{cidr("10.0.1.1/31")}},
					{Name: "eth1", Type: Bridge, Addresses: []netip.Prefix{cidr("10.69.0.65/26")}},
					{Name: "boot-0", Type: Port, Master: "eth1"},
				},
				Sessions: []Session{{Peer: "spine1", Address: addr("10.0.1.0"), ASN: 64599}},
			},
			{
				Name: "boot-0", Kind: Boot, Rack: &rack, ASN: 64600,
				Interfaces: []Interface{
					{Name: "eth0", Type: LinkEnd, Addresses: []netip.Prefix{cidr("10.69.0.67/26")}, Scope: "link"},
					{Name: "node0", Type: Dummy, Addresses: []netip.Prefix{cidr("10.69.0.3/32")}},
				},
				Routes: []Route{{To: cidr("0.0.0.0/0"), Via: []netip.Addr{addr("10.69.0.65")}, Source: addr("10.69.0.3"), Metric: 10}},
				Server: &Server{Serial: "abc", Index: 3, BMC: addr("10.72.17.3"), Image: "boot", CPU: 2, Disks: []Disk{{Name: "disk0", Size: "1G", DeviceClass: "fast"}}},
			},
		},
		Links: []Link{
			{A: End{"spine1", "eth0", cidr("10.0.1.0/31")}, B: End{"rack0-tor1", "eth0", cidr("10.0.1.1/31")}},
			{A: End{"rack0-tor1", "boot-0", cidr("10.69.0.65/26")}, B: End{"boot-0", "eth0", cidr("10.69.0.67/26")}},
		},
		Networks:      []Network{{Name: "spine-tor", CIDR: cidr("10.0.1.0/31"), Use: "links"}},
		Images:        []Image{{Name: "boot", File: "boot.tar"}},
		DeviceClasses: []DeviceClass{{Name: "fast", Path: "/fast"}},
	}
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	dir := t.TempDir()
	if err := small().Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	addresses := cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})
	if diff := cmp.Diff(small(), got, addresses); diff != "" {
		t.Error(diff)
	}
}

func TestLoadRefusesUnknownFields(t *testing.T) {
	for _, name := range []string{ServersFile, NetworkFile} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := small().Save(dir); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), append(data, "colour: red\n"...), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "colour") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	cidr, addr := netip.MustParsePrefix, netip.MustParseAddr
	for name, c := range map[string]struct {
		spoil func(*Cluster)
		want  string
	}{
		"name of the cluster":      {func(c *Cluster) { c.Name = "../x" }, `bad cluster name "../x"`},
		"name of a node":           {func(c *Cluster) { c.Nodes[0].Name = "Spine 1" }, `bad node name "Spine 1"`},
		"node twice":               {func(c *Cluster) { c.Nodes = append(c.Nodes, c.Nodes[0]) }, "two nodes are named spine1"},
		"kind":                     {func(c *Cluster) { c.Nodes[0].Kind = "leaf" }, `spine1: unknown kind "leaf"`},
		"rack":                     {func(c *Cluster) { c.Nodes[2].Rack = nil }, "boot-0: a rack is given"},
		"address twice":            {func(c *Cluster) { c.Nodes[2].Interfaces[1].Addresses[0] = cidr("10.0.1.0/32") }, "spine1 eth0 and boot-0 node0 have the address 10.0.1.0"},
		"router id twice":          {func(c *Cluster) { c.Nodes[1].RouterID = c.Nodes[0].RouterID }, "spine1 and rack0-tor1 have the router id 10.0.1.0"},
		"BMC's address is another": {func(c *Cluster) { c.Nodes[2].Server.BMC = addr("10.69.0.3") }, "boot-0 node0 and boot-0 bmc have the address"},
		"end of a link missing":    {func(c *Cluster) { c.Links[0].A.Interface = "eth9" }, "spine1 eth9: a link ends at an interface that is not of type"},
		"end of a link twice":      {func(c *Cluster) { c.Links[1] = c.Links[0] }, "spine1 eth0: two links end here"},
		"link to an unknown node":  {func(c *Cluster) { c.Links[0].B.Node = "x" }, "x eth0: a link ends at an unknown node"},
		"end without link":         {func(c *Cluster) { c.Links = c.Links[:1] }, "boot-0 eth0: no link ends here"},
		"link's address":           {func(c *Cluster) { c.Links[0].A.CIDR = cidr("10.0.1.2/31") }, "spine1 eth0: the link has the address 10.0.1.2/31"},
		"gateway out of reach":     {func(c *Cluster) { c.Nodes[2].Routes[0].Via[0] = addr("10.0.1.0") }, "boot-0: no interface reaches the gateway"},
		"source of a route":        {func(c *Cluster) { c.Nodes[2].Routes[0].Source = addr("10.0.1.0") }, "boot-0: source 10.0.1.0"},
		"session of one side":      {func(c *Cluster) { c.Nodes[1].Sessions = nil }, "spine1: BGP session with rack0-tor1, which has no session"},
		"session's AS":             {func(c *Cluster) { c.Nodes[0].Sessions[0].ASN = 1 }, "spine1: BGP session with rack0-tor1 in AS 1"},
		"image":                    {func(c *Cluster) { c.Images = nil }, "boot-0: unknown image boot"},
		"device class":             {func(c *Cluster) { c.DeviceClasses = nil }, "boot-0: unknown device class fast"},
		"file outside":             {func(c *Cluster) { c.Nodes[0].BirdConf = "../bird.conf" }, `spine1: bad file name "../bird.conf"`},
		"interface's name":         {func(c *Cluster) { c.Nodes[2].Interfaces[1].Name = "a-name-too-long-" }, "an interface's name has 1 to 15"},
		"port without bridge":      {func(c *Cluster) { c.Nodes[1].Interfaces[2].Master = "eth0" }, "rack0-tor1 boot-0: a port needs a bridge"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := small()
			c.spoil(broken)
			if err := broken.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if err := small().Validate(); err != nil {
		t.Error(err)
	}
}
