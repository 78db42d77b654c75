package placemat

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Status is the state of a data centre.
type Status struct {
	Name     string          `json:"name"`
	Nodes    []NodeStatus    `json:"nodes"`
	Links    []LinkStatus    `json:"links"`
	Sessions []SessionStatus `json:"sessions"`
	// Boot is the total use of resources by the boot servers.
	Boot Usage `json:"boot-servers"`
}

// NodeStatus is the state of a node, with its use of resources.
type NodeStatus struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Processes int    `json:"processes"`
	// Memory is the resident memory of the node's processes, in bytes.
	Memory int64 `json:"memory"`
	// CPU is the processor time that the node's processes used during the measurement, in
	// percent of one processor; see StatusOver.
	CPU float64 `json:"cpu"`
	// Off is true for a server that is powered off.
	Off bool `json:"off,omitempty"`
}

// LinkStatus is the state of a link, which is up if both its ends are.
type LinkStatus struct {
	A  string `json:"a"`
	B  string `json:"b"`
	Up bool   `json:"up"`
}

// Status returns the state of all nodes, links and BGP sessions.
func (c *Centre) Status(ctx context.Context) (*Status, error) { return c.StatusOver(ctx, 0) }

// StatusOver returns the state like Status, but measures CPU over at least span, for
// which it blocks. The kernel measures processor time in hundredths of a second.
func (c *Centre) StatusOver(ctx context.Context, span time.Duration) (*Status, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	st := &Status{Name: c.Name}
	enough := time.NewTimer(span)
	defer enough.Stop()
	up := map[string]bool{}
	var begun []usage
	for _, n := range c.cluster.Nodes {
		ns, u, err := c.nodeStatus(ctx, n)
		if err != nil {
			return nil, err
		}
		st.Nodes, begun = append(st.Nodes, ns), append(begun, u)
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
	if st.Sessions, err = c.sessions(ctx); err != nil {
		return st, err
	}
	select {
	case <-enough.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for i := range st.Nodes {
		st.Nodes[i].CPU = begun[i].percent()
	}
	st.Boot = st.BootServers()
	return st, nil
}

func (c *Centre) nodeStatus(ctx context.Context, n cluster.Node) (NodeStatus, usage, error) {
	st := NodeStatus{Name: n.Name, Kind: string(n.Kind)}
	if c.machine(n) && !c.on(n.Name) {
		st.Off = true
		return st, usage{}, nil
	}
	pids, err := c.pids(ctx, []string{c.namespace(n.Name)})
	if err != nil {
		return st, usage{}, err
	}
	st.Processes = len(pids)
	for _, pid := range pids {
		st.Memory += resident(pid)
	}
	return st, usageOf(pids), nil
}

// interfacesUp sets up["<node> <interface>"] for each interface of a node: true if the
// interface is in the state UP.
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

// Healthy reports whether all links are up and all BGP sessions are established.
func (s *Status) Healthy() bool {
	return !slices.ContainsFunc(s.Links, func(l LinkStatus) bool { return !l.Up }) &&
		!slices.ContainsFunc(s.Sessions, func(s SessionStatus) bool { return !s.Established() })
}

// Render writes the status as text: all nodes, and those links and sessions that are
// down.
func (s *Status) Render(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var memory int64
	var cpu float64
	fmt.Fprintf(t, "NODE\tKIND\tPROCESSES\tMEMORY\tCPU\n")
	for _, n := range s.Nodes {
		if n.Off {
			fmt.Fprintf(t, "%s\t%s\toff\t-\t-\n", n.Name, n.Kind)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%.1f%%\n", n.Name, n.Kind, n.Processes, mib(n.Memory), n.CPU)
		memory += n.Memory
		cpu += n.CPU
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
	fmt.Fprintf(&b, "%s\nall nodes: %d, %s, %.1f%% of a processor\n", s.Boot, len(s.Nodes), mib(memory), cpu)
	_, err := io.WriteString(w, b.String())
	return err
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
