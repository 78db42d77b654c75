package cluster

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// The names of the two files of a description. Files to which nodes refer are in the same
// directory.
const (
	ServersFile = "cluster.yml"
	NetworkFile = "network.yml"
)

// serversFile is the content of cluster.yml: the servers and their resources.
type serversFile struct {
	Name          string        `json:"name"`
	ASNBase       uint32        `json:"asn-base"`
	Images        []Image       `json:"images,omitempty"`
	DeviceClasses []DeviceClass `json:"device-classes,omitempty"`
	Nodes         []Node        `json:"nodes"`
}

// networkFile is the content of network.yml: the switches, networks and links.
type networkFile struct {
	Networks []Network `json:"networks"`
	Nodes    []Node    `json:"nodes"`
	Links    []Link    `json:"links"`
}

// Load reads the description in dir and validates it. An unknown field is an
// error.
func Load(dir string) (*Cluster, error) {
	var servers serversFile
	if err := read(filepath.Join(dir, ServersFile), &servers); err != nil {
		return nil, err
	}
	var network networkFile
	if err := read(filepath.Join(dir, NetworkFile), &network); err != nil {
		return nil, err
	}
	c := &Cluster{
		Name: servers.Name, ASNBase: servers.ASNBase,
		Nodes: append(network.Nodes, servers.Nodes...), Links: network.Links, Networks: network.Networks,
		Images: servers.Images, DeviceClasses: servers.DeviceClasses,
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("read data centre in %s: %w", dir, err)
	}
	return c, nil
}

func read(name string, into any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(data, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// Files validates the description and returns the contents of its two files, by name. The
// same description gives the same contents.
func (c *Cluster) Files() (map[string][]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	servers := serversFile{Name: c.Name, ASNBase: c.ASNBase, Images: c.Images, DeviceClasses: c.DeviceClasses, Nodes: []Node{}}
	network := networkFile{Networks: c.Networks, Links: c.Links, Nodes: []Node{}}
	for _, n := range c.Nodes {
		if n.Kind.Server() {
			servers.Nodes = append(servers.Nodes, n)
		} else {
			network.Nodes = append(network.Nodes, n)
		}
	}
	files := map[string][]byte{}
	for name, content := range map[string]any{ServersFile: servers, NetworkFile: network} {
		data, err := yaml.Marshal(content)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		files[name] = data
	}
	return files, nil
}

// Save writes the two files of the description into dir, which must exist.
func (c *Cluster) Save(dir string) error {
	files, err := c.Files()
	if err != nil {
		return err
	}
	for _, name := range []string{NetworkFile, ServersFile} {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
