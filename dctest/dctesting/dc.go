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

// DC is a data centre that is up.  What can be done to it beside the methods
// here is the Centre's: links, power, status.
type DC struct {
	*placemat.Centre
	// Plan is its description.
	Plan *cluster.Cluster

	release func() // nil: it is not ours
}

// Use returns the data centre that the variable DC names, else the one called
// dc.  It is an error if that is not up.
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
		return nil, fmt.Errorf("%w (make dc does all of it)", err)
	}
	return &DC{Centre: centre, Plan: plan}, ctx.Err()
}

// Up starts a data centre as "make dc" does, and builds whatever is missing for
// it.  The menu is relative to the root of the repository.
//
// Until Down, or the end of this process, it is this process's: nobody else's Up
// touches it, nor dctest/dc by hand.  So whatever there is of that name has been
// left by one that was killed, and is ended first.
func Up(ctx context.Context, name, menu string) (*DC, error) {
	release, err := hold(ctx, name)
	if err != nil {
		return nil, err
	}
	d, err := upAnew(ctx, name, menu)
	if err != nil {
		release()
		return nil, err
	}
	d.release = release
	return d, nil
}

func upAnew(ctx context.Context, name, menu string) (*DC, error) {
	if err := script(ctx, "", "down", name); err != nil {
		return nil, err
	}
	if err := script(ctx, menu, "up", name); err != nil {
		return nil, err
	}
	return use(ctx, name)
}

// Down ends a data centre that Up has started.
func (d *DC) Down(ctx context.Context) error {
	err := script(ctx, "", "down", d.Name)
	if d.release != nil {
		d.release()
		d.release = nil
	}
	return err
}

// hold makes a data centre this process's, which dctest/dc knows too.
func hold(ctx context.Context, name string) (release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	release, err = host.FS{Root: "/"}.Lock(ctx, "/run/neco-dctest-"+name+".lock")
	if err != nil {
		return nil, fmt.Errorf("data centre %s is another test's; wait for its end: %w", name, err)
	}
	return release, nil
}

// script runs dctest/dc for a data centre that is ours.
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

// Root is the root of the repository, seen from wherever a test runs in it.
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

// Servers are the names of the boot servers, in the order of their racks.
func (d *DC) Servers() []string {
	var names []string
	for _, n := range d.Plan.Of(cluster.Boot) {
		names = append(names, n.Name)
	}
	return names
}

// Address is that of an interface of a node, like node0 or bastion of a server;
// invalid if there is none.
func (d *DC) Address(node, iface string) netip.Addr {
	n, _ := d.Plan.Node(node)
	i := slices.IndexFunc(n.Interfaces, func(i cluster.Interface) bool { return i.Name == iface })
	if i < 0 || len(n.Interfaces[i].Addresses) == 0 {
		return netip.Addr{}
	}
	return n.Interfaces[i].Addresses[0].Addr()
}
