package dctesting

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/pkg/host"
)

// DC is a running data centre. The methods of the embedded Centre change its links and
// power and return its status.
type DC struct {
	*placemat.Centre
	// Plan is the description of the data centre.
	Plan *cluster.Cluster

	release func() // releases the lock of Up; nil if the data centre was not started by Up
}

// Use returns the running data centre whose name is in the environment variable DC, or
// "dc" if the variable is not set. It fails if that data centre is not up.
func Use(ctx context.Context) (*DC, error) {
	name := os.Getenv("DC")
	if name == "" {
		name = "dc"
	}
	return use(ctx, name)
}

func use(ctx context.Context, name string) (*DC, error) {
	centre, err := placemat.New(name)
	if err != nil {
		return nil, err
	}
	plan, err := centre.Cluster()
	if err != nil {
		return nil, fmt.Errorf("%w (make dc builds and starts one)", err)
	}
	return &DC{Centre: centre, Plan: plan}, ctx.Err()
}

// Up starts a data centre with the given name as "make dc" does, and builds missing
// images and programs for it. menu is the path of its menu, relative to the root of the repository.
//
// Up locks the data centre until Down or the end of this process, so that other calls of
// Up and dctest/dc refuse to change it. A data centre of this name that is up but not
// locked was left by a killed process; Up ends it first.
func Up(ctx context.Context, name, menu string) (*DC, error) {
	release, err := hold(ctx, name)
	if err != nil {
		return nil, err
	}
	d, err := restart(ctx, name, menu)
	if err != nil {
		release()
		return nil, err
	}
	d.release = release
	return d, nil
}

func restart(ctx context.Context, name, menu string) (*DC, error) {
	if err := script(ctx, "", "down", name); err != nil {
		return nil, err
	}
	if err := script(ctx, menu, "up", name); err != nil {
		return nil, err
	}
	return use(ctx, name)
}

// Down ends a data centre that Up has started, and releases its lock.
func (d *DC) Down(ctx context.Context) error {
	err := script(ctx, "", "down", d.Name)
	if d.release != nil {
		d.release()
		d.release = nil
	}
	return err
}

// hold takes the lock that Up and dctest/dc use for the data centre called name. It fails
// if another process has the lock.
func hold(ctx context.Context, name string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	release, err = host.FS{Root: "/"}.Lock(ctx, "/run/neco-dctest-"+name+".lock")
	if err != nil {
		return nil, fmt.Errorf("data centre %s is in use by another test; wait for its end: %w", name, err)
	}
	return release, nil
}

// script runs dctest/dc for the data centre called name, whose lock this process must
// have.
func script(ctx context.Context, menu, verb, name string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "dctest/dc"), verb, name)
	cmd.Dir, cmd.Env = root, append(os.Environ(), "MENU="+menu, "HELD="+name)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("dctest/dc %s %s: %w: %s", verb, name, err, bytes.TrimSpace(out))
	}
	return nil
}

// Root returns the root directory of the repository, which it searches upwards from the
// working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("not in the repository")
		}
		dir = parent
	}
}

// Servers returns the names of the boot servers, in the order of their racks.
func (d *DC) Servers() []string {
	var names []string
	for _, n := range d.Plan.Of(cluster.Boot) {
		names = append(names, n.Name)
	}
	return names
}

// SSH returns a command that runs on a server, in a session of SSH from the operation network.
// Without a command the session is one of a shell. An option of ssh may precede the command.
func (d *DC) SSH(ctx context.Context, server string, command ...string) (*exec.Cmd, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "dctest/dcssh"), append([]string{server}, command...)...)
	cmd.Env = append(os.Environ(), "DC="+d.Name)
	return cmd, nil
}

// Address returns the first address of a node's interface, such as node0 or bastion of a
// server. It returns the zero Addr if there is none.
func (d *DC) Address(node, iface string) netip.Addr {
	n, _ := d.Plan.Node(node)
	i := slices.IndexFunc(n.Interfaces, func(i cluster.Interface) bool { return i.Name == iface })
	if i < 0 || len(n.Interfaces[i].Addresses) == 0 {
		return netip.Addr{}
	}
	return n.Interfaces[i].Addresses[0].Addr()
}
