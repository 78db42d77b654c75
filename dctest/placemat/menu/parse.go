package menu

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// parse reads the documents of the menu. It checks each document by itself; Check checks
// that they are consistent.
func parse(data []byte) (*Menu, error) {
	p := &parser{m: &Menu{Servers: map[cluster.Kind]ServerSpec{}}, seen: map[string]int{}}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // it includes the line
		}
		if len(doc.Content) == 0 {
			continue
		}
		if err := p.document(doc.Content[0]); err != nil {
			return nil, err
		}
	}
	for _, kind := range []string{"Network", "Inventory"} {
		if p.seen[kind] == 0 {
			return nil, fmt.Errorf("no document of kind %s", kind)
		}
	}
	return p.m, nil
}

type parser struct {
	m    *Menu
	seen map[string]int // the line of each field or document that may occur only once
}

// document parses a document of the kind that its field "kind" names.
func (p *parser) document(n *yaml.Node) error {
	if n.Tag == "!!null" {
		return nil // nothing but comments
	}
	kinds := map[string]func(*yaml.Node) error{
		"Network":     p.network,
		"Inventory":   p.inventory,
		"Image":       p.image,
		"DeviceClass": p.deviceClass,
		"Node":        p.node,
	}
	kind, where := kindOf(n)
	read, ok := kinds[kind]
	if !ok {
		return at(where, "unknown kind %q; known: %s", kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	}
	return read(n)
}

// kindOf returns the kind of a document, and the YAML node to which an error about the
// kind refers.
func kindOf(n *yaml.Node) (string, *yaml.Node) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == "kind" {
			return n.Content[i+1].Value, n.Content[i+1]
		}
	}
	return "", n
}

// once records that a thing occurs in the menu at the line of n, and fails if it has
// occurred before.
func (p *parser) once(n *yaml.Node, thing string) error {
	if line := p.seen[thing]; line != 0 {
		return at(n, "a second %s; the first is at line %d", thing, line)
	}
	p.seen[thing] = n.Line
	return nil
}

// kind is the setter of the field "kind". It does nothing, because document has already
// checked that field.
func kind() field { return may(func(*yaml.Node) error { return nil }) }

// sub returns the setter of a field that consists of the given fields. what names it in
// errors.
func sub(what string, f fields) func(*yaml.Node) error {
	return func(n *yaml.Node) error { return f.decode(what, n) }
}

func (p *parser) network(n *yaml.Node) error {
	if err := p.once(n, "Network"); err != nil {
		return err
	}
	w := &p.m.Network
	exposed := fields{
		"bastion":      must(cidr(&w.Exposed.Bastion)),
		"loadbalancer": must(cidr(&w.Exposed.LoadBalancer)),
		"ingress":      must(cidr(&w.Exposed.Ingress)),
		"global":       must(cidr(&w.Exposed.Global)),
	}
	spec := fields{
		"ipam-config":    must(text(&w.IPAMConfig)),
		"asn-base":       must(asNumber(&w.ASNBase)),
		"internet":       must(cidr(&w.Internet)),
		"spine-tor":      must(address(&w.SpineToR)),
		"core-spine":     must(cidr(&w.CoreSpine)),
		"core-external":  must(cidr(&w.CoreExternal)),
		"core-operation": must(cidr(&w.CoreOperation)),
		"proxy":          must(address(&w.Proxy)),
		"ntp":            must(cidr(&w.NTP)),
		"pod":            must(cidr(&w.Pod)),
		"exposed":        must(sub("exposed", exposed)),
	}
	return fields{"kind": kind(), "spec": must(sub("spec of Network", spec))}.decode("Network", n)
}

func (p *parser) inventory(n *yaml.Node) error {
	if err := p.once(n, "Inventory"); err != nil {
		return err
	}
	v := &p.m.Inventory
	rack := func(n *yaml.Node) error {
		var r Rack
		err := fields{"cs": may(number(&r.CS, servers)), "ss": may(number(&r.SS, servers))}.decode("rack", n)
		v.Racks = append(v.Racks, r)
		return err
	}
	spec := fields{
		"cluster-id": must(text(&v.ClusterID)),
		"spine":      must(number(&v.Spines, spines)),
		"rack":       must(list(rack)),
	}
	return fields{"kind": kind(), "spec": must(sub("spec of Inventory", spec))}.decode("Inventory", n)
}
