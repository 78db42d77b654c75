package placemat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Down ends the data centre: every process in its namespaces, the namespaces
// with their interfaces, and its files.  What is not there any more is no
// error, so that it works after a crash, and twice.
func (c *Centre) Down(ctx context.Context) error {
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return c.down(ctx)
}

// stopTimeout is how long processes may take to end before they are killed.
const stopTimeout = 5 * time.Second

// sweeps bounds how often down looks again: what a placemat that was killed had
// asked for may still appear.
const sweeps = 5

func (c *Centre) down(ctx context.Context) error {
	return errors.Join(c.clear(ctx), c.forget())
}

// removeDead removes what is left of a data centre whose processes were all ended
// by somebody else, as at the end of a session.  One in which anything runs is an
// error.
func (c *Centre) removeDead(ctx context.Context) error {
	all, err := c.namespaces(ctx)
	if err != nil {
		return err
	}
	pids, err := c.pids(ctx, all)
	if err != nil {
		return err
	}
	if len(pids) > 0 {
		return fmt.Errorf("data centre %s is up, or was not ended; placemat down ends it", c.Name)
	}
	c.Say("nothing runs any more in the data centre %s that was not ended: it is removed", c.Name)
	return c.clear(ctx)
}

// clear is down without the end of the lock.
func (c *Centre) clear(ctx context.Context) error {
	ended := 0
	for range sweeps {
		n, err := c.sweep(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		ended += n
	}
	c.Say("%d namespaces and servers ended", ended)
	return errors.Join(c.removeNames(), os.RemoveAll(c.path()))
}

// sweep ends what there is, and counts it.
func (c *Centre) sweep(ctx context.Context) (int, error) {
	machines, err := c.removeMachines(ctx)
	if err != nil {
		return 0, err
	}
	all, err := c.namespaces(ctx)
	if err != nil {
		return 0, err
	}
	if err := c.endProcesses(ctx, all); err != nil {
		return 0, err
	}
	for _, ns := range all {
		if _, err := run(ctx, "ip", "netns", "del", ns); err != nil {
			return 0, err
		}
	}
	return machines + len(all), nil
}

// namespaces lists the namespaces of this data centre on this machine.
func (c *Centre) namespaces(ctx context.Context) ([]string, error) {
	out, err := run(ctx, "ip", "netns", "list")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, line := range strings.Split(out, "\n") {
		if name, _, _ := strings.Cut(line, " "); strings.HasPrefix(name, c.prefix()) {
			found = append(found, name)
		}
	}
	return found, nil
}

// removeMachines removes the containers of this data centre with their volumes and
// control groups, also after a crash, and counts them.
func (c *Centre) removeMachines(ctx context.Context) (int, error) {
	if _, err := os.Stat(c.path("docker-host")); err != nil {
		return 0, nil // there was no machine ever
	}
	out, err := c.docker(ctx, "ps", "--all", "--filter", "label="+label+"="+c.Name, "--no-trunc", "--format", "{{.ID}}")
	if err != nil {
		return 0, err
	}
	ids := strings.Fields(out)
	if len(ids) > 0 {
		if _, err := c.dockerFor(ctx, importTimeout, nil, append([]string{"rm", "--force", "--volumes"}, ids...)...); err != nil {
			return 0, err
		}
		if err := removeGroups(groupRoot, ids); err != nil {
			return 0, err
		}
	}
	return len(ids), c.removeVolumes(ctx)
}

func (c *Centre) removeVolumes(ctx context.Context) error {
	out, err := c.docker(ctx, "volume", "ls", "--quiet", "--filter", "name="+c.prefix())
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(out) {
		if !strings.HasPrefix(name, c.prefix()) {
			continue // the filter is for a part of the name
		}
		if _, err := c.docker(ctx, "volume", "rm", "--force", name); err != nil {
			return err
		}
	}
	return nil
}
