package placemat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// convergeTimeout is how long Up waits for all BGP sessions to be established before it
// fails.
const convergeTimeout = 2 * time.Minute

// Up starts the data centre described in dir. It blocks until all its BGP sessions are
// established, all services are listening, and all boot servers in containers are
// running. If it fails, it removes everything that it has created.
//
// If there is a data centre of the same name, Up removes it if it has no processes any
// more, and fails otherwise.
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
	if err := c.importImage(ctx, "boot", o.BootImage); err != nil {
		return err
	}
	if err := c.importImage(ctx, "node", o.NodeImage); err != nil {
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
		if !c.toNode(l) {
			lines = append(lines, c.linkLine(l))
		}
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
	if err := c.serveNodes(ctx); err != nil {
		return err
	}
	if err := c.until(ctx, "all BGP sessions are established", convergeTimeout, c.missingSessions); err != nil {
		return err
	}
	if c.image("boot") == "" {
		return nil
	}
	if err := c.until(ctx, "all boot servers are running", bootTimeout, c.missingMachines); err != nil {
		return err
	}
	// The certificate may be created by a program that startPrograms has started.
	if err := c.keepTrust(o.Trust); err != nil {
		return err
	}
	return c.trust(ctx, c.cluster.Nodes...)
}

// startPrograms starts the commands of o.Run and the services of all nodes.
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
		if err := c.writeHosts(n.Name, o.Hosts); err != nil {
			return err
		}
		if err := c.startServices(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}

// until waits like [await], but for at most limit, and then reports the time that it
// has taken. what describes the condition.
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

// keep copies the description in dir, the lines o.Hosts, the program netboot and the authorized SSH
// keys into the state directory.
func (c *Centre) keep(dir string, o Options) error {
	for _, sub := range []string{"description", "bird", "log"} {
		if err := os.MkdirAll(c.path(sub), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.path("hosts"), []byte(o.Hosts), 0o644); err != nil {
		return err
	}
	if o.Netboot != "" {
		program, err := os.ReadFile(o.Netboot)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.path("netboot"), program, 0o755); err != nil {
			return err
		}
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
