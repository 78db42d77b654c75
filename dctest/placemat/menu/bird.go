package menu

import (
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/installer/setup"
)

// birdView is the data for the templates of BIRD configurations.
type birdView struct {
	cluster.Node
	// Servers is the range of servers' addresses. Exposed are the networks to which only
	// the core and the spines have routes.
	Servers netip.Prefix
	Exposed []netip.Prefix
	// Gateway is the gateway of the core's default route.
	Gateway netip.Addr
	// Up are the BGP sessions with nodes nearer to the core, and Down those with all
	// other nodes.
	Up, Down []cluster.Session
	// Segment is the interface of a ToR switch to its rack. Workers is the network from
	// which servers without a configured session may connect to it.
	Segment string
	Workers netip.Prefix
}

// birdFiles adds to files the BIRD configuration of each node that uses BIRD.
func (m *Menu) birdFiles(files map[string][]byte, c *cluster.Cluster) error {
	for _, n := range c.Nodes {
		if n.BirdConf == "" {
			continue
		}
		data, err := m.birdConf(c, n)
		if err != nil {
			return fmt.Errorf("write %s: %w", n.BirdConf, err)
		}
		files[n.BirdConf] = data
	}
	return nil
}

// birdConf returns the BIRD configuration of a node. For a boot server, it is the one
// that the setup of a real boot server writes.
func (m *Menu) birdConf(c *cluster.Cluster, n cluster.Node) ([]byte, error) {
	if n.Kind != cluster.Boot {
		return render("bird_"+string(n.Kind)+".conf", m.birdView(c, n))
	}
	data, err := render(defaultSeed, m.seedOf(n, ""))
	if err != nil {
		return nil, err
	}
	seed, err := setup.ParseSeed(data)
	if err != nil {
		return nil, err
	}
	return setup.BirdConf(seed)
}

func (m *Menu) birdView(c *cluster.Cluster, n cluster.Node) birdView {
	v := birdView{
		Node: n, Servers: m.IPAM.NodePool, Exposed: m.exposed(), Gateway: nth(m.Network.Internet, 1).Addr(),
	}
	for _, s := range n.Sessions {
		if peer, _ := c.Node(s.Peer); depth(peer.Kind) < depth(n.Kind) {
			v.Up = append(v.Up, s)
		} else {
			v.Down = append(v.Down, s)
		}
	}
	if n.Kind == cluster.ToR {
		segment := segment(n)
		v.Segment = segment.Name
		if r := m.Inventory.Racks[*n.Rack]; r.CS+r.SS > 0 {
			v.Workers = segment.Addresses[0].Masked()
		}
	}
	return v
}

// depth returns how many links nodes of this kind are away from the core: 1 for spines, 2
// for ToR switches, and 3 for all others.
func depth(k cluster.Kind) int {
	switch k {
	case cluster.Core:
		return 0
	case cluster.Spine:
		return 1
	case cluster.ToR:
		return 2
	}
	return 3
}
