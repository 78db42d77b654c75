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

// Preflight describes a server that is checked before a setup or a join. The checks do
// not change the server.
type Preflight struct {
	Host
	LRN      int
	HostName string
	// Began reports that an earlier attempt ran on the server. Then etcd's data and the
	// programs that listen on its ports are accepted as those of that attempt.
	Began bool
	// Leads reports that the server is the leader of a setup.
	Leads bool
	// Joins reports that the server is to join an existing data centre.
	Joins bool
}

// Check is one of the checks of a boot server.
type Check struct {
	// Name is the name of the check for the operator, Examines a description of what it
	// checks.
	Name, Examines string
	// Run performs the check. Its error contains the problem and how to solve it.
	Run func(context.Context) error
}

// Checks returns all checks of the server.
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

// Problems are the errors of failed checks.
type Problems []error

// Error returns the texts of all errors in one line.
func (p Problems) Error() string {
	var texts []string
	for _, err := range p {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the errors, for errors.Is and errors.As.
func (p Problems) Unwrap() []error { return p }

// Find runs all checks, even if one fails, and returns the errors of those that fail.
func Find(ctx context.Context, checks []Check) Problems {
	var found Problems
	for _, c := range checks {
		if err := c.Run(ctx); err != nil {
			found = append(found, fmt.Errorf("%s: %w", c.Name, err))
		}
	}
	return found
}

// preflight runs the checks of this server and returns the errors of those that fail.
func preflight(ctx context.Context, r *run) error {
	p := Preflight{Host: r.Host, LRN: r.LRN, HostName: r.HostName, Began: r.began, Leads: r.leads}
	if found := Find(ctx, p.Checks()); len(found) > 0 {
		return found
	}
	return nil
}

func (p Preflight) checkDocker(ctx context.Context) error {
	if err := p.Containers.Answers(ctx); err != nil {
		return fmt.Errorf("%w; install Docker, or run systemctl status docker", err)
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

// The network interfaces with a boot server's own addresses.
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
		return fmt.Errorf("the interface %s does not have %s, the address of boot server %d; check %s and the network configuration",
			ifNode0, own.Node0, p.LRN, neco.RackFile)
	}
	if !own.Bastion.IsValid() {
		return fmt.Errorf("the interface %s has no address; give it the one of this server in the operators' network", ifBastion)
	}
	return nil
}

// checkFresh fails if the server has etcd data that no earlier attempt has written.
// Before a join it also fails if a setup was started on the server.
func (p Preflight) checkFresh(context.Context) error {
	switch data := !p.Began && p.hasEtcdData(); {
	case data && p.Joins:
		return fmt.Errorf("%s has data of a cluster that this server was in; to delete it, use neco reset", neco.EtcdDataDir)
	case data:
		return fmt.Errorf("%s has data, and no setup was started here: to join this server to an existing data centre, use neco join; to delete the data, neco reset", neco.EtcdDataDir)
	case p.Joins && exists(p.FS, progressFile):
		return errors.New("a neco setup was started here; finish it, or give it up with neco reset")
	}
	return nil
}

// ports are the TCP ports that etcd and Vault listen on.
var ports = [...]int{2379, 2380, 2381, 8200, 8201}

// checkPorts fails if another process listens on a port that the server needs. After an
// earlier attempt it skips the ports of etcd and Vault, which may be running.
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
			errs = append(errs, fmt.Errorf("%w; stop the program that listens there", err))
			continue
		}
		l.Close()
	}
	return errors.Join(errs...)
}

// dataDir is a directory on the file system that holds the data of etcd and Vault,
// their images and the backups. minFree is the free space in bytes that it must have
// before a setup or a join.
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
