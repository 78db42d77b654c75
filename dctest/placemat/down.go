package placemat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Down removes the data centre: all processes in its namespaces, its containers, the
// namespaces with their interfaces, and its files. Missing parts are not an error, so it
// can be called after a crash, and again.
func (c *Centre) Down(ctx context.Context) error {
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return c.down(ctx)
}

// stopTimeout is the time between SIGTERM and SIGKILL, and also how long a process may
// take to exit after SIGKILL.
const stopTimeout = 5 * time.Second

// sweeps is how often clear searches for containers and namespaces at most. A container
// or namespace that a killed placemat process has requested may appear only after the
// first search.
const sweeps = 5

func (c *Centre) down(ctx context.Context) error {
	return errors.Join(c.clear(ctx), c.forget())
}

// removeDead removes the rest of a data centre that was not ended with Down, for example
// after a crash. It fails if a process of the data centre is running.
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
		return fmt.Errorf("data centre %s is up, or some of its processes still run; placemat down ends it", c.Name)
	}
	c.Say("removing the rest of data centre %s, in which no process runs", c.Name)
	return c.clear(ctx)
}

// clear removes everything of the data centre except its lock file.
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
	c.Say("%d namespaces and servers removed", ended)
	return errors.Join(c.removeHosts(), os.RemoveAll(c.path()))
}

// sweep removes all containers and namespaces of the data centre that it finds, and
// returns how many it has found.
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
// control groups, and returns how many it has found. It also finds those that a crash has
// left.
func (c *Centre) removeMachines(ctx context.Context) (int, error) {
	if _, err := os.Stat(c.path("docker-host")); err != nil {
		return 0, nil // no container was ever created
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
			continue // Docker's filter matches any part of a name
		}
		if _, err := c.docker(ctx, "volume", "rm", "--force", name); err != nil {
			return err
		}
	}
	return nil
}
