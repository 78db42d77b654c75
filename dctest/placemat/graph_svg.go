package placemat

import (
	"fmt"
	"html"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// Sizes of a drawing, in points.
const (
	boxWidth, boxHeight = 156, 52
	columnWidth         = 176
	rowHeight           = 150
	margin              = 30
)

// rows are the kinds of nodes in each row of a drawing, from top to bottom.
var rows = [...][]cluster.Kind{
	{cluster.Internet, cluster.External, cluster.Operation},
	{cluster.Core},
	{cluster.Spine},
	{cluster.ToR},
	{cluster.Boot, cluster.CS, cluster.SS},
}

// place is the position of a node's centre in a drawing.
type place struct{ x, y int }

// towards returns the point at the given percentage of the line from p to q.
func (p place) towards(q place, percent int) place {
	return place{p.x + (q.x-p.x)*percent/100, p.y + (q.y-p.y)*percent/100}
}

// SVG draws the topology as Graph describes it, for readers without Graphviz. The same
// description gives the same drawing.
func SVG(c *cluster.Cluster) string {
	places, width := layout(c)
	height := 2*margin + (len(rows)-1)*rowHeight + boxHeight
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	for i, l := range c.Links {
		drawLink(&b, l, places, nearest+apart*(i%2))
	}
	for _, n := range c.Nodes {
		drawNode(&b, n, places[n.Name])
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// layout returns the place of each node. The nodes of the kinds in one element of
// [rows] are side by side, spread over the width of the drawing.
func layout(c *cluster.Cluster) (places map[string]place, width int) {
	most := 1
	for _, kinds := range rows {
		most = max(most, len(c.Of(kinds...)))
	}
	width = 2*margin + most*columnWidth
	places = map[string]place{}
	for row, kinds := range rows {
		nodes := c.Of(kinds...)
		for i, n := range nodes {
			places[n.Name] = place{margin + (2*i+1)*(width-2*margin)/(2*len(nodes)), margin + boxHeight/2 + row*rowHeight}
		}
	}
	return places, width
}

// nearest is the distance of an address from its end of the link, in percent of the
// link's length. At every other link the distance is larger by apart, so that the
// addresses at crossing links do not overlap.
const nearest, apart = 26, 8

func drawLink(b *strings.Builder, l cluster.Link, places map[string]place, percent int) {
	from, to := places[l.A.Node], places[l.B.Node]
	fmt.Fprintf(b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="#888888"/>`+"\n", from.x, from.y, to.x, to.y)
	drawEnd(b, l.A, from.towards(to, percent))
	drawEnd(b, l.B, to.towards(from, percent))
}

func drawEnd(b *strings.Builder, e cluster.End, at place) {
	fmt.Fprintf(b, `<text x="%d" y="%d" font-size="8" text-anchor="middle" fill="#444444">%s</text>`+"\n", at.x, at.y, html.EscapeString(end(e)))
}

func drawNode(b *strings.Builder, n cluster.Node, at place) {
	lines := labels(n)
	fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="4" fill="%s" stroke="#444444"/>`+"\n",
		at.x-boxWidth/2, at.y-boxHeight/2, boxWidth, boxHeight, colour(n.Kind))
	const line = 11
	for i, text := range lines {
		y := at.y + 4 - (len(lines)-1)*line/2 + i*line
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle"%s>%s</text>`+"\n", at.x, y, style(i), html.EscapeString(text))
	}
}

// style returns the font attributes of line i in a node's box. The first line, the node's
// name, is bold.
func style(line int) string {
	if line == 0 {
		return ` font-weight="bold"`
	}
	return ` font-size="9"`
}
