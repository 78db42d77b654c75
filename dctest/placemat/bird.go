package placemat

import (
	"bufio"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// birdSocket returns the path of the socket by which a node's BIRD is controlled.
func (c *Centre) birdSocket(node string) string { return c.path("bird", node+".ctl") }

// startBird starts BIRD on a node that has a configuration for it. It returns when BIRD
// has read the configuration and runs in the background.
func (c *Centre) startBird(ctx context.Context, n cluster.Node) error {
	if n.BirdConf == "" {
		return nil
	}
	_, err := c.inside(ctx, n.Name, "bird", "-c", filepath.Join(c.description(), n.BirdConf),
		"-s", c.birdSocket(n.Name), "-P", c.path("bird", n.Name+".pid"), "-D", c.path("log", n.Name+".bird.log"))
	return err
}

// protocol is a line in the output of "birdc show protocols".
type protocol struct {
	Name, Proto, State, Info string
}

// protocols returns the protocols of a node's BIRD, by querying BIRD.
func (c *Centre) protocols(ctx context.Context, n cluster.Node) ([]protocol, error) {
	var out string
	var err error
	if c.machine(n) {
		out, err = c.docker(ctx, "exec", c.container(n.Name), "birdc", "show", "protocols")
	} else {
		out, err = run(ctx, "birdc", "-s", c.birdSocket(n.Name), "show", "protocols")
	}
	if err != nil {
		return nil, err
	}
	return parseProtocols(out), nil
}

// parseProtocols parses the output of "birdc show protocols":
//
//	Name       Proto      Table      State  Since         Info
//	spine1     BGP        ---        up     09:41:22.034  Established
func parseProtocols(out string) []protocol {
	var ps []protocol
	head := false
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		switch {
		case len(f) > 1 && f[0] == "Name" && f[1] == "Proto":
			head = true
		case head && len(f) >= 5:
			ps = append(ps, protocol{Name: f[0], Proto: f[1], State: f[3], Info: strings.Join(f[5:], " ")})
		}
	}
	return ps
}

// SessionStatus is the state of one BGP session, seen from one side.
type SessionStatus struct {
	Node  string `json:"node"`
	Peer  string `json:"peer"`
	State string `json:"state"`
}

// Established reports whether the session carries routes.
func (s SessionStatus) Established() bool { return s.State == "Established" }

// sessions returns the states of all BGP sessions that the data centre's description
// defines, by querying the BIRD of each node.
func (c *Centre) sessions(ctx context.Context) ([]SessionStatus, error) {
	var all []SessionStatus
	for _, n := range c.cluster.Nodes {
		if n.BirdConf == "" || len(n.Sessions) == 0 {
			continue
		}
		// The BIRD of a server that is off or still boots does not respond. That is
		// not an error: its sessions get the state "missing".
		ps, err := c.protocols(ctx, n)
		if err != nil && !c.machine(n) {
			return nil, err
		}
		for _, s := range n.Sessions {
			all = append(all, sessionStatus(n.Name, s.Peer, ps))
		}
	}
	return all, nil
}

func sessionStatus(node, peer string, ps []protocol) SessionStatus {
	st := SessionStatus{Node: node, Peer: peer, State: "missing"}
	i := slices.IndexFunc(ps, func(p protocol) bool {
		return p.Proto == "BGP" && (p.Name == peer || p.Name == strings.ReplaceAll(peer, "-", "_"))
	})
	if i >= 0 {
		st.State = ps[i].State
		if f := strings.Fields(ps[i].Info); len(f) > 0 {
			st.State = f[0]
		}
	}
	return st
}

// missingSessions is a condition for await: it returns a text about the BGP sessions that
// are not established, or "" if all are established.
func (c *Centre) missingSessions(ctx context.Context) (string, error) {
	all, err := c.sessions(ctx)
	if err != nil {
		return "BIRD", err
	}
	missing := slices.DeleteFunc(all, SessionStatus.Established)
	if len(missing) == 0 {
		return "", nil
	}
	return fmt.Sprintf("%d BGP sessions, the first from %s to %s (%s)", len(missing), missing[0].Node, missing[0].Peer, missing[0].State), nil
}
