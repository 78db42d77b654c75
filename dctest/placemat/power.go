package placemat

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// machineNode returns the node called name. It fails if that is not a boot server in a
// container.
func (c *Centre) machineNode(name string) (cluster.Node, error) {
	if err := c.load(); err != nil {
		return cluster.Node{}, err
	}
	n, err := c.node(name)
	if err == nil && !c.machine(n) {
		err = fmt.Errorf("%s is not a container: start the data centre with --boot-image", name)
	}
	return n, err
}

// Pause suspends all processes of the server called name until Resume. The server's links
// stay up.
func (c *Centre) Pause(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := c.docker(ctx, "pause", c.container(name))
	return err
}

// Resume continues the processes of the paused server called name.
func (c *Centre) Resume(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := c.docker(ctx, "unpause", c.container(name))
	return err
}

// Kill simulates a power loss of the server called name: all its processes are killed and
// its links go down. All data that it has written remain, even unsynced ones, because
// they are in the page cache of this machine's kernel.
func (c *Centre) Kill(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	// docker kill fails if the server has shut down by itself.
	if on, err := c.runs(ctx, name); err != nil {
		return err
	} else if on {
		if _, err := c.docker(ctx, "kill", c.container(name)); err != nil {
			return err
		}
	}
	return c.disconnect(ctx, n)
}

// PowerOff shuts down the server called name: its systemd stops all units, and then its
// links go down. Its disk is kept. PowerOff blocks until the server is off, and kills it
// after one minute.
func (c *Centre) PowerOff(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if on, err := c.runs(ctx, name); err != nil || !on {
		return err
	}
	limit := haltTimeout + commandTimeout
	if _, err := c.dockerFor(ctx, limit, nil, "stop", "--time", strconv.Itoa(int(haltTimeout.Seconds())), c.container(name)); err != nil {
		return err
	}
	return c.disconnect(ctx, n)
}

// PowerOn starts the server called name with its existing disk, and does nothing if the
// server is running. A node boots from the network into a fresh file system; its disk is the volume
// of its Docker. PowerOn does not wait for the server's systemd; see Await.
func (c *Centre) PowerOn(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if on, err := c.runs(ctx, name); err != nil || on {
		return err
	}
	if err := c.disconnect(ctx, n); err != nil { // the server may have shut down by itself
		return err
	}
	if c.netboots(n) {
		err = c.netboot(ctx, n)
	} else {
		err = c.restart(ctx, n)
	}
	if err != nil {
		return err
	}
	return c.connect(ctx, n)
}

// restart starts the container of a server that is off.
func (c *Centre) restart(ctx context.Context, n cluster.Node) error {
	if _, err := c.docker(ctx, "start", c.container(n.Name)); err != nil {
		return err
	}
	return c.attach(ctx, n)
}

// runs reports whether the server called name is running, which is also true while it is
// paused.
func (c *Centre) runs(ctx context.Context, name string) (bool, error) {
	out, err := c.docker(ctx, "ps", "--no-trunc", "--format", "{{.Names}}", "--filter", "name="+c.container(name))
	return slices.Contains(strings.Fields(out), c.container(name)), err // Docker's filter matches any part of a name
}

// Wipe gives the server called name a new disk with a fresh system, and starts it. The
// server may be on or off before. Wipe does not wait for the server's systemd; see Await.
func (c *Centre) Wipe(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if _, err := c.dockerFor(ctx, importTimeout, nil, "rm", "--force", "--volumes", c.container(name)); err != nil {
		return err
	}
	if _, err := c.docker(ctx, "volume", "rm", "--force", c.container(name)); err != nil {
		return err
	}
	if err := c.disconnect(ctx, n); err != nil {
		return err
	}
	if err := c.startMachine(ctx, n); err != nil {
		return err
	}
	if err := c.connect(ctx, n); err != nil {
		return err
	}
	return c.trust(ctx, n)
}

// Await blocks until the systemd of the server called name has started all units, and
// fails after two minutes.
func (c *Centre) Await(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	return await(ctx, 200*time.Millisecond, func(ctx context.Context) (string, error) { return c.missingMachine(ctx, name) })
}
