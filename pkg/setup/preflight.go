package setup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// Preflight is a server that is to be set up, or to join.  Its checks change
// nothing.
type Preflight struct {
	Host
	LRN      int
	HostName string
	// Began: an earlier attempt has been here, so what is there is its own.
	Began bool
	// Leads: it leads a setup.
	Leads bool
	// Joins: it is to join an existing data centre.
	Joins bool
}

// Check is one of the checks.
type Check struct {
	// Name is what the operator calls it, Looks what it looks at.
	Name, Looks string
	// Run returns what is wrong, with what to do.
	Run func(context.Context) error
}

// Checks lists all checks of a boot server.
func (p Preflight) Checks() []Check {
	return []Check{
		{"names", "the host name, " + neco.RackFile + ", " + neco.ClusterFile, p.checkNames},
		{"addresses", "the addresses of " + ifNode0 + " and " + ifBastion, p.checkAddresses},
		{"Docker", "Docker's answer", p.checkDocker},
		{"earlier data", neco.EtcdDataDir + ", " + Dir, p.checkFresh},
		{"ports", "the ports that etcd, Vault and setup listen on", p.checkPorts},
		{"disk", "the free space of " + dataDir, p.checkDisk},
	}
}

// Problems are what keeps a server from being set up; each says what to do.
type Problems []error

// Error returns all of them in one line.
func (p Problems) Error() string {
	var texts []string
	for _, err := range p {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns them for errors.Is and errors.As.
func (p Problems) Unwrap() []error { return p }

// Find runs all checks, so that the operator sees everything that is wrong at
// once.
func Find(ctx context.Context, checks []Check) Problems {
	var found Problems
	for _, c := range checks {
		if err := c.Run(ctx); err != nil {
			found = append(found, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return found
}

// preflight checks whether this server is ready.
func preflight(ctx context.Context, r *run) error {
	p := Preflight{Host: r.Host, LRN: r.LRN, HostName: r.HostName, Began: r.began, Leads: r.leads}
	if found := Find(ctx, p.Checks()); len(found) > 0 {
		return found
	}
	return nil
}

func (p Preflight) checkDocker(ctx context.Context) error {
	if err := p.Containers.Answers(ctx); err != nil {
		return fmt.Errorf("%w; install it, or look at systemctl status docker", err)
	}
	return nil
}

func (p Preflight) checkNames(context.Context) error {
	if err := p.ownSubject(p.LRN, p.HostName).Check(); err != nil {
		return err
	}
	if p.cluster() == "" {
		return fmt.Errorf("%s is empty or absent; write the name of the data centre into it", neco.ClusterFile)
	}
	return nil
}

// The interfaces that a boot server has its own addresses on.
const (
	ifNode0   = "node0"
	ifBastion = "bastion"
)

func (p Preflight) checkAddresses(context.Context) error {
	all, err := p.Addresses()
	if err != nil {
		return err
	}
	own := p.ownSubject(p.LRN, p.HostName)
	if !slices.Contains(all[ifNode0], own.Node0) {
		return fmt.Errorf("the interface %s does not have %s, the address of boot server %d; look at %s and at the network configuration",
			ifNode0, own.Node0, p.LRN, neco.RackFile)
	}
	if !own.Bastion.IsValid() {
		return fmt.Errorf("the interface %s has no address; give it the one of this server in the operators' network", ifBastion)
	}
	return nil
}

// checkFresh makes sure that nothing of another cluster is overwritten.
func (p Preflight) checkFresh(context.Context) error {
	switch data := !p.Began && p.hasEtcdData(); {
	case data && p.Joins:
		return fmt.Errorf("%s has data of a cluster that this server was of; neco reset gives it up", neco.EtcdDataDir)
	case data:
		return fmt.Errorf("%s has data, and no setup was begun here: to join this server to an existing data centre, use neco join; to give the data up, neco reset", neco.EtcdDataDir)
	case p.Joins && exists(p.FS, progressFile):
		return errors.New("a neco setup was begun here; finish it, or give it up with neco reset")
	}
	return nil
}

// ports that etcd and Vault listen on.
var ports = [...]int{2379, 2380, 2381, 8200, 8201}

// checkPorts makes sure that nobody else has our ports.  When setup goes on,
// its own programs have them.
func (p Preflight) checkPorts(ctx context.Context) error {
	wanted := ports[:]
	if p.Began {
		wanted = nil
	}
	if p.Leads {
		wanted = append(slices.Clone(wanted), meet.Port)
	}
	var errs []error
	for _, port := range wanted {
		var conf net.ListenConfig
		l, err := conf.Listen(ctx, "tcp4", fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			errs = append(errs, fmt.Errorf("%w; end what listens there", err))
			continue
		}
		l.Close()
	}
	return errors.Join(errs...)
}

// dataDir is on the file system of etcd, Vault, their images and backups, minFree
// what they need at first.
const (
	dataDir = "/var/lib"
	minFree = 4 << 30
)

func (p Preflight) checkDisk(context.Context) error {
	free, err := p.FS.Free(dataDir)
	if err != nil {
		return err
	}
	if free < minFree {
		return fmt.Errorf("%s has %d MiB left; make %d MiB free", dataDir, free>>20, minFree>>20)
	}
	return nil
}
