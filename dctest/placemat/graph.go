package placemat

import (
	"fmt"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// colours maps each kind of node to a colour.
var colours = [...]struct {
	kind   cluster.Kind
	colour string
}{
	{cluster.Internet, "#eeeeee"}, {cluster.Core, "#f4c7c3"}, {cluster.External, "#eeeeee"}, {cluster.Operation, "#eeeeee"},
	{cluster.Spine, "#fce8b2"}, {cluster.ToR, "#b7e1cd"}, {cluster.Boot, "#c6dafc"},
}

// Graph returns the topology of the data centre c in the language of Graphviz: the
// racks side by side, and the links with the addresses of their ends.
func Graph(c *cluster.Cluster) string {
	var b strings.Builder
	fmt.Fprintf(&b, "graph %q {\n  rankdir=TB;\n  node [shape=box style=filled fontname=\"sans-serif\"];\n  edge [fontsize=9 fontname=\"sans-serif\"];\n", c.Name)
	racks := map[int][]cluster.Node{}
	most := -1
	for _, n := range c.Nodes {
		if n.Rack != nil {
			racks[*n.Rack] = append(racks[*n.Rack], n)
			most = max(most, *n.Rack)
			continue
		}
		b.WriteString("  " + nodeLine(n))
	}
	for r := 0; r <= most; r++ {
		fmt.Fprintf(&b, "  subgraph cluster_rack%d {\n    label=\"rack %d\";\n", r, r)
		for _, n := range racks[r] {
			b.WriteString("    " + nodeLine(n))
		}
		b.WriteString("  }\n")
	}
	for _, l := range c.Links {
		fmt.Fprintf(&b, "  %q -- %q [taillabel=%q headlabel=%q];\n", l.A.Node, l.B.Node, end(l.A), end(l.B))
	}
	b.WriteString("}\n")
	return b.String()
}

func nodeLine(n cluster.Node) string {
	return fmt.Sprintf("%q [label=\"%s\" fillcolor=%q];\n", n.Name, strings.Join(labels(n), "\\n"), colour(n.Kind))
}

// labels returns the lines of text in the box of a node. The first is the node's name.
func labels(n cluster.Node) []string {
	lines := []string{n.Name}
	if n.ASN != 0 {
		lines = append(lines, fmt.Sprintf("AS %d", n.ASN))
	}
	for _, i := range n.Interfaces {
		if i.Type != cluster.Dummy || len(i.Addresses) == 0 {
			continue
		}
		line := i.Name
		for _, a := range i.Addresses {
			line += " " + a.Addr().String()
		}
		lines = append(lines, line)
	}
	return lines
}

func colour(k cluster.Kind) string {
	for _, c := range colours {
		if c.kind == k {
			return c.colour
		}
	}
	return "#ffffff"
}

func end(e cluster.End) string {
	if !e.CIDR.IsValid() {
		return e.Interface
	}
	return e.CIDR.Addr().String()
}
