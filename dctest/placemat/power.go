package placemat

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// machineNode finds a node that is a machine.
func (c *Centre) machineNode(name string) (cluster.Node, error) {
	if err := c.load(); err != nil {
		return cluster.Node{}, err
	}
	n, err := c.node(name)
	if err == nil && !c.machine(n) {
		err = fmt.Errorf("%s is no machine: start the data centre with --boot-image", name)
	}
	return n, err
}

// Pause stops a server where it is, with its links up, until Resume.
func (c *Centre) Pause(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := c.docker(ctx, "pause", c.container(name))
	return err
}

// Resume lets a paused server go on.
func (c *Centre) Resume(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	_, err := c.docker(ctx, "unpause", c.container(name))
	return err
}

// Kill pulls the plug of a server: it ends in the middle of whatever it does,
// and its links go down.  Its disk stays, with all that was written: the kernel,
// and what it had not written to the disk yet, is the machine's.
func (c *Centre) Kill(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	// One that has gone off by itself is none to kill.
	if on, err := c.runs(ctx, name); err != nil {
		return err
	} else if on {
		if _, err := c.docker(ctx, "kill", c.container(name)); err != nil {
			return err
		}
	}
	return c.unplug(ctx, n)
}

// PowerOff presses the button of a server: its systemd stops everything, then
// its links go down.  Its disk stays.  It blocks until the server is off; one
// that takes longer than a minute is killed.
func (c *Centre) PowerOff(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	limit := haltTimeout + commandTimeout
	if _, err := c.dockerFor(ctx, limit, nil, "stop", "--time", strconv.Itoa(int(haltTimeout.Seconds())), c.container(name)); err != nil {
		return err
	}
	return c.unplug(ctx, n)
}

// PowerOn starts a server if it is off, with its disk as it was left.  It does
// not wait for its systemd, see Await.
func (c *Centre) PowerOn(ctx context.Context, name string) error {
	n, err := c.machineNode(name)
	if err != nil {
		return err
	}
	if on, err := c.runs(ctx, name); err != nil || on {
		return err
	}
	if err := c.unplug(ctx, n); err != nil { // it may have gone off by itself
		return err
	}
	if _, err := c.docker(ctx, "start", c.container(name)); err != nil {
		return err
	}
	if err := c.attach(ctx, n); err != nil {
		return err
	}
	return c.plug(ctx, n)
}

// runs reports whether a server runs, or is paused.
func (c *Centre) runs(ctx context.Context, name string) (bool, error) {
	out, err := c.docker(ctx, "inspect", "--format", "{{.State.Running}}", c.container(name))
	return strings.TrimSpace(out) == "true", err
}

// Wipe gives a server, on or off, a new disk with a fresh system, and starts it.
// It does not wait for its systemd, see Await.
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
	if err := c.unplug(ctx, n); err != nil {
		return err
	}
	if err := c.startMachine(ctx, n); err != nil {
		return err
	}
	if err := c.plug(ctx, n); err != nil {
		return err
	}
	return c.trust(ctx, n)
}

// Await blocks until the systemd of a server has started everything, at most two
// minutes.
func (c *Centre) Await(ctx context.Context, name string) error {
	if _, err := c.machineNode(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	return await(ctx, 200*time.Millisecond, func(ctx context.Context) (string, error) { return c.missingMachine(ctx, name) })
}
