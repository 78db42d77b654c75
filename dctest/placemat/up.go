package placemat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// convergeTimeout bounds the wait for all BGP sessions.
const convergeTimeout = 2 * time.Minute

// Up starts the data centre that is described in dir and blocks until all its
// BGP sessions are established, all services listen, and all boot servers that
// are machines are running.  If that fails, nothing is left of it.  What is left
// of an earlier one of that name, in which nothing runs any more, is removed
// first; one in which something runs is an error.
func (c *Centre) Up(ctx context.Context, dir string, o Options) error {
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(c.path()); err == nil {
		if err := c.removeDead(ctx); err != nil {
			return err
		}
	}
	if c.cluster, err = cluster.Load(dir); err != nil {
		return err
	}
	if err := c.up(ctx, dir, o); err != nil {
		return errors.Join(err, c.down(context.WithoutCancel(ctx)))
	}
	return nil
}

func (c *Centre) up(ctx context.Context, dir string, o Options) error {
	if err := c.keep(dir, o); err != nil {
		return err
	}
	if err := c.importImage(ctx, o.BootImage); err != nil {
		return err
	}
	dummy := dummyType(ctx, c.prefix()+"probe")
	for _, n := range c.cluster.Nodes {
		if err := c.makeNamespace(ctx, n); err != nil {
			return fmt.Errorf("make %s: %w", n.Name, err)
		}
	}
	c.Say("%d namespaces", len(c.cluster.Nodes))
	var lines []string
	for _, l := range c.cluster.Links {
		lines = append(lines, c.linkLine(l))
	}
	if err := batch(ctx, "", lines); err != nil {
		return err
	}
	c.Say("%d links", len(lines))
	for _, n := range c.cluster.Nodes {
		if err := c.configure(ctx, n, dummy); err != nil {
			return fmt.Errorf("configure %s: %w", n.Name, err)
		}
	}
	c.Say("addresses, routes and BIRD")
	if err := c.startPrograms(ctx, o); err != nil {
		return err
	}
	if err := c.until(ctx, "all BGP sessions are established", convergeTimeout, c.missingSessions); err != nil {
		return err
	}
	if c.bootImage() == "" {
		return nil
	}
	if err := c.until(ctx, "all boot servers are running", bootTimeout, c.missingMachines); err != nil {
		return err
	}
	// Only now: whoever makes that certificate has had the time to.
	if err := c.keepTrust(o.Trust); err != nil {
		return err
	}
	return c.trust(ctx, c.cluster.Nodes...)
}

// startPrograms starts what runs on switches beside BIRD.
func (c *Centre) startPrograms(ctx context.Context, o Options) error {
	for _, n := range c.cluster.Nodes {
		if command, ok := o.Run[n.Name]; ok {
			if err := c.background(ctx, n.Name, "run", []string{"/bin/sh", "-c", "exec " + command}); err != nil {
				return err
			}
		}
		if len(n.Services) == 0 {
			continue
		}
		if err := c.putNames(n.Name, o.Hosts); err != nil {
			return err
		}
		if err := c.startServices(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// until waits for a fact and says how long that took.
func (c *Centre) until(ctx context.Context, what string, limit time.Duration, missing func(context.Context) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	if err := await(ctx, 200*time.Millisecond, missing); err != nil {
		return err
	}
	c.Say("%s, %s later", what, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// keep keeps what the data centre was made from.
func (c *Centre) keep(dir string, o Options) error {
	for _, sub := range []string{"description", "bird", "log"} {
		if err := os.MkdirAll(c.path(sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.path("hosts"), []byte(o.Hosts), 0o644); err != nil {
		return err
	}
	var keys []byte
	if o.AuthorizedKeys != "" {
		var err error
		if keys, err = os.ReadFile(o.AuthorizedKeys); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.path("authorized-keys"), keys, 0o644); err != nil {
		return err
	}
	return os.CopyFS(c.description(), os.DirFS(dir))
}
