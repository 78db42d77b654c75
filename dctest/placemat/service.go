package placemat

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// serviceTimeout is how long the start of a service waits for the service to listen
// before the start fails.
const serviceTimeout = time.Minute

// netnsEtc is the directory with a directory for each network namespace. For processes in
// the namespace, ip-netns(8) mounts the files there over those in /etc.
const netnsEtc = "/etc/netns"

// startServices starts the services of a node, and waits until each is listening.
func (c *Centre) startServices(ctx context.Context, n cluster.Node) error {
	for _, s := range n.Services {
		argv, proto, err := c.serviceCommand(s)
		if err != nil {
			return err
		}
		if err := c.background(ctx, n.Name, s.Name, argv); err != nil {
			return err
		}
		wctx, cancel := context.WithTimeout(ctx, serviceTimeout)
		err = await(wctx, 100*time.Millisecond, func(ctx context.Context) (string, error) {
			out, err := c.inside(ctx, n.Name, "ss", "-Hln"+proto, "sport", "=", fmt.Sprintf(":%d", s.Port))
			if strings.TrimSpace(out) != "" {
				return "", err
			}
			return fmt.Sprintf("%s to listen on port %d", s.Name, s.Port), err
		})
		cancel()
		if err != nil {
			return fmt.Errorf("%w; see its log %s", err, c.serviceLog(n.Name, s.Name))
		}
	}
	return nil
}

// serviceCommand returns the command that runs a service in the foreground, and the
// option letter by which ss(8) selects the service's protocol.
func (c *Centre) serviceCommand(s cluster.Service) (argv []string, proto string, err error) {
	config := filepath.Join(c.description(), s.Config)
	switch s.Name {
	case "proxy":
		return []string{"squid", "-N", "-d", "1", "-f", config}, "t", nil
	case "ntp":
		// -x: chronyd must not set the clock, which is that of this machine.
		return []string{"chronyd", "-x", "-d", "include " + config, "pidfile " + c.path("chronyd.pid")}, "u", nil
	}
	return nil, "", fmt.Errorf("service %q is unknown", s.Name)
}

func (c *Centre) serviceLog(node, name string) string { return c.path("log", node+"."+name+".log") }

// background starts a program in the network namespace of a node, which runs until Down. It sees the
// node's own /etc/hosts.
func (c *Centre) background(ctx context.Context, node, name string, argv []string) error {
	return c.start(ctx, []string{"ip", "netns", "exec", c.namespace(node)}, c.serviceLog(node, name), argv)
}

// backgroundHere does the same, but leaves the program in the mount namespace of this process, so that
// names which it gives to network namespaces are valid here.
func (c *Centre) backgroundHere(ctx context.Context, node, name string, argv []string) error {
	return c.start(ctx, []string{"nsenter", "--net=/run/netns/" + c.namespace(node)}, c.serviceLog(node, name), argv)
}

// start starts a program by the command enter, with its output in the file log.
func (c *Centre) start(ctx context.Context, enter []string, log string, argv []string) error {
	const script = `log=$1; shift; exec "$@" </dev/null >"$log" 2>&1`
	args := slices.Concat([]string{"--fork"}, enter, []string{"/bin/sh", "-c", script, "sh", log}, argv)
	_, err := run(ctx, "setsid", args...)
	return err
}

// writeHosts writes /etc/hosts with the lines in hosts for the processes on a node. It
// also makes their lookups of other names fail without a timeout, by naming a name server
// that does not exist.
func (c *Centre) writeHosts(node, hosts string) error {
	dir := filepath.Join(netnsEtc, c.namespace(node))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	machine, err := os.Hostname()
	if err != nil {
		return err
	}
	hosts = fmt.Sprintf("127.0.0.1 localhost %s %s\n%s\n", node, machine, hosts)
	if err := os.WriteFile(filepath.Join(dir, "hosts"), []byte(hosts), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver 127.0.0.1\n"), 0o644)
}

// removeHosts removes what writeHosts has written for all nodes.
func (c *Centre) removeHosts() error {
	dirs, err := filepath.Glob(filepath.Join(netnsEtc, c.prefix()+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}
