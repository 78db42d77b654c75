package setup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// check of the preflight, by what the operator calls it.
type localCheck struct {
	name string
	run  func(ctx context.Context, r *run) error
}

// localChecks change nothing.  All of them are run, so that the operator sees
// everything that is wrong at once.
func localChecks() []localCheck {
	return []localCheck{
		{"names", checkNames},
		{"addresses", checkAddresses},
		{"Docker", checkDocker},
		{"earlier data", checkFresh},
		{"ports", checkPorts},
		{"disk", checkDisk},
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

// preflight looks whether this server is ready, and opens the link.
func preflight(ctx context.Context, r *run) error {
	var found Problems
	for _, c := range localChecks() {
		if err := c.run(ctx, r); err != nil {
			found = append(found, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	if len(found) > 0 {
		return found
	}
	return nil
}

func checkDocker(ctx context.Context, r *run) error {
	if err := r.Containers.Answers(ctx); err != nil {
		return fmt.Errorf("%w; install it, or look at systemctl status docker", err)
	}
	return nil
}

func checkNames(_ context.Context, r *run) error {
	if err := r.ownSubject().Check(); err != nil {
		return err
	}
	if r.cluster() == "" {
		return fmt.Errorf("%s is empty or absent; write the name of the data centre into it", neco.ClusterFile)
	}
	return nil
}

// cluster is the name of the data centre, empty if unknown.
func (r *run) cluster() string {
	data, err := r.FS.Read(neco.ClusterFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// The interfaces that a boot server has its own addresses on.
const (
	ifNode0   = "node0"
	ifBastion = "bastion"
)

func checkAddresses(_ context.Context, r *run) error {
	all, err := r.Addresses()
	if err != nil {
		return err
	}
	own := r.ownSubject()
	if !slices.Contains(all[ifNode0], own.Node0) {
		return fmt.Errorf("the interface %s does not have %s, the address of boot server %d; look at %s and at the network configuration",
			ifNode0, own.Node0, r.LRN, neco.RackFile)
	}
	if !own.Bastion.IsValid() {
		return fmt.Errorf("the interface %s has no address; give it the one of this server in the operators' network", ifBastion)
	}
	return nil
}

// bastion is this server's address in the operators' network.
func (r *run) bastion() netip.Addr {
	all, err := r.Addresses()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range all[ifBastion] {
		if a.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// checkFresh makes sure that nothing of another cluster is overwritten.
func checkFresh(_ context.Context, r *run) error {
	if !r.began && r.hasEtcdData() {
		return fmt.Errorf("%s has data, and no setup was begun here: to join this server to an existing data centre, use neco join; to give the data up, neco reset", neco.EtcdDataDir)
	}
	return nil
}

// ports that etcd and Vault listen on.
var ports = [...]int{2379, 2380, 2381, 8200, 8201}

// checkPorts makes sure that nobody else has our ports.  When setup goes on,
// its own programs have them.
func checkPorts(ctx context.Context, r *run) error {
	wanted := ports[:]
	if r.began {
		wanted = nil
	}
	if r.leads {
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

// minFree is what etcd, Vault, their images and backups need at first.
const minFree = 4 << 30

func checkDisk(_ context.Context, r *run) error {
	free, err := r.FS.Free("/var/lib")
	if err != nil {
		return err
	}
	if free < minFree {
		return fmt.Errorf("/var/lib has %d MiB left; make %d MiB free", free>>20, minFree>>20)
	}
	return nil
}
