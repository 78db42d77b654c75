package placemat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cybozu-go/neco/pkg/placemat/cluster"
)

// Status is what a data centre is like now.
type Status struct {
	Name     string          `json:"name"`
	Nodes    []NodeStatus    `json:"nodes"`
	Links    []LinkStatus    `json:"links"`
	Sessions []SessionStatus `json:"sessions"`
}

// NodeStatus is a node and what it uses.
type NodeStatus struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Processes int    `json:"processes"`
	// Memory is the resident memory of its processes, in bytes.
	Memory int64 `json:"memory"`
	// Off: it is a server without power.
	Off bool `json:"off,omitempty"`
}

// LinkStatus is a cable: up when both its ends are.
type LinkStatus struct {
	A  string `json:"a"`
	B  string `json:"b"`
	Up bool   `json:"up"`
}

// Status looks at every node, link and session.
func (c *Centre) Status(ctx context.Context) (*Status, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	st := &Status{Name: c.Name}
	up := map[string]bool{}
	for _, n := range c.cluster.Nodes {
		ns, err := c.nodeStatus(ctx, n)
		if err != nil {
			return nil, err
		}
		st.Nodes = append(st.Nodes, ns)
		if ns.Off {
			continue
		}
		if err := c.interfacesUp(ctx, n.Name, up); err != nil {
			return nil, err
		}
	}
	for _, l := range c.cluster.Links {
		a, b := l.A.Node+" "+l.A.Interface, l.B.Node+" "+l.B.Interface
		st.Links = append(st.Links, LinkStatus{A: a, B: b, Up: up[a] && up[b]})
	}
	var err error
	st.Sessions, err = c.sessions(ctx)
	return st, err
}

func (c *Centre) nodeStatus(ctx context.Context, n cluster.Node) (NodeStatus, error) {
	st := NodeStatus{Name: n.Name, Kind: string(n.Kind)}
	if c.machine(n) && !c.on(n.Name) {
		st.Off = true
		return st, nil
	}
	pids, err := c.pids(ctx, []string{c.namespace(n.Name)})
	if err != nil {
		return st, err
	}
	st.Processes = len(pids)
	for _, pid := range pids {
		st.Memory += resident(pid)
	}
	return st, nil
}

// interfacesUp notes which interfaces of a node have a carrier.
func (c *Centre) interfacesUp(ctx context.Context, node string, up map[string]bool) error {
	out, err := run(ctx, "ip", "-n", c.namespace(node), "-j", "link", "show")
	if err != nil {
		return err
	}
	var links []struct {
		Name  string `json:"ifname"`
		State string `json:"operstate"`
	}
	if err := json.Unmarshal([]byte(out), &links); err != nil {
		return fmt.Errorf("links of %s: %w", node, err)
	}
	for _, l := range links {
		up[node+" "+l.Name] = l.State == "UP"
	}
	return nil
}

// Healthy reports whether all links are up and all sessions established.
func (s *Status) Healthy() bool {
	return !slices.ContainsFunc(s.Links, func(l LinkStatus) bool { return !l.Up }) &&
		!slices.ContainsFunc(s.Sessions, func(s SessionStatus) bool { return !s.Established() })
}

// Render writes the status for people: nodes, and of links and sessions those
// that are not as they should be.
func (s *Status) Render(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var memory int64
	fmt.Fprintf(t, "NODE\tKIND\tPROCESSES\tMEMORY\n")
	for _, n := range s.Nodes {
		if n.Off {
			fmt.Fprintf(t, "%s\t%s\toff\t-\n", n.Name, n.Kind)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", n.Name, n.Kind, n.Processes, mib(n.Memory))
		memory += n.Memory
	}
	if err := t.Flush(); err != nil {
		return err
	}
	down := slices.DeleteFunc(slices.Clone(s.Links), func(l LinkStatus) bool { return l.Up })
	broken := slices.DeleteFunc(slices.Clone(s.Sessions), SessionStatus.Established)
	var b strings.Builder
	fmt.Fprintf(&b, "\nlinks: %d of %d up\n", len(s.Links)-len(down), len(s.Links))
	for _, l := range down {
		fmt.Fprintf(&b, "  down: %s - %s\n", l.A, l.B)
	}
	fmt.Fprintf(&b, "BGP sessions: %d of %d established\n", len(s.Sessions)-len(broken), len(s.Sessions))
	for _, x := range broken {
		fmt.Fprintf(&b, "  %s: %s - %s\n", x.State, x.Node, x.Peer)
	}
	fmt.Fprintf(&b, "memory of all processes: %s\n", mib(memory))
	_, err := io.WriteString(w, b.String())
	return err
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
