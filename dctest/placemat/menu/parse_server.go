package menu

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func (p *parser) image(n *yaml.Node) error {
	var i cluster.Image
	f := fields{"kind": kind(), "name": must(text(&i.Name)), "url": may(text(&i.URL)), "file": may(text(&i.File))}
	if err := f.decode("Image", n); err != nil {
		return err
	}
	if (i.URL == "") == (i.File == "") {
		return at(n, "Image %s: want exactly one of url and file", i.Name)
	}
	p.m.Images = append(p.m.Images, i)
	return p.once(n, "Image "+i.Name)
}

func (p *parser) deviceClass(n *yaml.Node) error {
	var d cluster.DeviceClass
	f := fields{"kind": kind(), "name": must(text(&d.Name)), "path": must(text(&d.Path))}
	if err := f.decode("DeviceClass", n); err != nil {
		return err
	}
	p.m.DeviceClasses = append(p.m.DeviceClasses, d)
	return p.once(n, "DeviceClass "+d.Name)
}

func (p *parser) node(n *yaml.Node) error {
	var typ string
	var s ServerSpec
	f := fields{
		"kind": kind(),
		"type": must(value(&typ, serverType)),
		"spec": must(func(n *yaml.Node) error { return s.parse(n) }),
	}
	if err := f.decode("Node", n); err != nil {
		return err
	}
	p.m.Servers[cluster.Kind(typ)] = s
	return p.once(n, "Node of type "+typ)
}

func serverType(s string) (string, error) {
	if !cluster.Kind(s).Server() {
		return "", fmt.Errorf("unknown type %q; known: boot, cs, ss", s)
	}
	return s, nil
}

func (s *ServerSpec) parse(n *yaml.Node) error {
	var count int
	var each string
	f := fields{
		"cpu":                 may(number(&s.CPU, cpus)),
		"smp":                 may(s.smp),
		"memory":              may(size(&s.Memory)),
		"numa":                may(s.numa),
		"image":               may(text(&s.Image)),
		"data":                may(s.data),
		"disk-count":          may(number(&count, disks)),
		"disk-size":           may(size(&each)),
		"disks":               may(list(s.disk)),
		"uefi":                may(flag(&s.UEFI)),
		"tpm":                 may(flag(&s.TPM)),
		"cloud-init-template": may(text(&s.SeedTemplate)),
	}
	if err := f.decode("spec of Node", n); err != nil {
		return err
	}
	switch {
	case s.CPU != 0 && s.SMP != nil:
		return at(n, "spec of Node: want only one of cpu and smp")
	case count > 0 && len(s.Disks) > 0:
		return at(n, "spec of Node: want only one of disk-count and disks")
	}
	for i := range count {
		s.Disks = append(s.Disks, cluster.Disk{Name: diskName(i), Size: cmp.Or(each, defaultDiskSize)})
	}
	return nil
}

// defaultDiskSize is the size of disks for which the menu has no disk-size.
const defaultDiskSize = "50G"

// data sets the images of data disks from one name or a list of names.
func (s *ServerSpec) data(n *yaml.Node) error {
	one := func(n *yaml.Node) error {
		var name string
		err := text(&name)(n)
		s.Data = append(s.Data, name)
		return err
	}
	if n.Kind == yaml.SequenceNode {
		return list(one)(n)
	}
	return one(n)
}

func diskName(i int) string { return fmt.Sprintf("disk%d", i) }

func (s *ServerSpec) disk(n *yaml.Node) error {
	var d cluster.Disk
	count := 1
	f := fields{
		"name": may(text(&d.Name)), "size": must(size(&d.Size)), "device-class": may(text(&d.DeviceClass)),
		"count": may(number(&count, disks)),
	}
	if err := f.decode("disk", n); err != nil {
		return err
	}
	if d.Name != "" && count != 1 {
		return at(n, "disk %s: want only one of name and count", d.Name)
	}
	if len(s.Disks)+count > maxDisks {
		return at(n, "more than %d disks", maxDisks)
	}
	for range count {
		next := d
		next.Name = cmp.Or(d.Name, diskName(len(s.Disks)))
		if slices.ContainsFunc(s.Disks, func(other cluster.Disk) bool { return other.Name == next.Name }) {
			return at(n, "a second disk %s", next.Name)
		}
		s.Disks = append(s.Disks, next)
	}
	return nil
}

func (s *ServerSpec) smp(n *yaml.Node) error {
	s.SMP = &cluster.SMP{}
	return fields{
		"cpus":     must(number(&s.SMP.CPUs, cpus)),
		"cores":    may(number(&s.SMP.Cores, cpus)),
		"threads":  may(number(&s.SMP.Threads, cpus)),
		"dies":     may(number(&s.SMP.Dies, cpus)),
		"sockets":  may(number(&s.SMP.Sockets, cpus)),
		"max-cpus": may(number(&s.SMP.MaxCPUs, cpus)),
	}.decode("smp", n)
}

func (s *ServerSpec) numa(n *yaml.Node) error {
	s.NUMA = &cluster.NUMA{}
	return fields{"nodes": must(number(&s.NUMA.Nodes, nodes))}.decode("numa", n)
}
