package placemat

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/installer/setup"
	"github.com/cybozu-go/neco/pkg/host"
)

// ipamFile is the path of sabakan's IPAM configuration, relative to the directory that
// describes a data centre.
const ipamFile = "sabakan/ipam.json"

// seed fills the new disk of a server: it copies there the files that the setup of a
// real boot server creates from a seed, the cloud-init document of the node.
func (c *Centre) seed(ctx context.Context, n cluster.Node) error {
	data, err := os.ReadFile(filepath.Join(c.description(), n.Server.Seed))
	if err != nil {
		return err
	}
	seed, err := setup.ParseSeed(data)
	if err != nil {
		return err
	}
	files, err := setup.Files(seed)
	if err != nil {
		return err
	}
	if files, err = c.addToSeed(files); err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := setup.Archive(&archive, files); err != nil {
		return err
	}
	_, err = c.dockerFor(ctx, commandTimeout, &archive, "cp", "-", c.container(n.Name)+":/")
	return err
}

// addToSeed adds to files the files that only the servers of a test data centre have:
// sabakan's configuration, the file that marks a test data centre, and SSH keys. It also
// adds the names of the simulated internet to /etc/hosts, because no name server has
// them.
func (c *Centre) addToSeed(files []host.File) ([]host.File, error) {
	ipam, err := os.ReadFile(filepath.Join(c.description(), ipamFile))
	if err != nil {
		return nil, err
	}
	files = append(files,
		host.File{Path: neco.SabakanIPAMFile, Data: ipam, Mode: 0o644},
		host.File{Path: neco.DCTestFile, Mode: 0o644})
	keys, err := os.ReadFile(c.path("authorized-keys"))
	if err != nil {
		return nil, err
	}
	files = append(files, host.File{Path: "/root/.ssh/authorized_keys", Data: keys, Mode: 0o600})
	outside, err := os.ReadFile(c.path("hosts"))
	if err != nil {
		return nil, err
	}
	for i := range files {
		if files[i].Path == "/etc/hosts" {
			files[i].Data = append(files[i].Data, outside...)
		}
	}
	return files, nil
}
