package placemat

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

const (
	// label is on every container of ours, with the data centre as its value.
	label = "placemat"
	// bootTimeout bounds the time until systemd has started everything, and
	// haltTimeout until it has stopped everything.
	bootTimeout = 2 * time.Minute
	haltTimeout = time.Minute
	// haltSignal tells systemd in a container to end everything and halt.
	haltSignal = "SIGRTMIN+3"
	// initScript is what a server starts with: Docker puts files of its own in
	// place of these three, which are the server's and may be replaced there.
	initScript = "umount /etc/hosts /etc/hostname /etc/resolv.conf; exec /sbin/init"
)

// capabilities are what systemd, Docker and BIRD need inside of a container.
var capabilities = [...]string{
	"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SYS_PTRACE",
	"DAC_READ_SEARCH", "SYSLOG", "SYS_NICE", "IPC_LOCK",
}

// container is the name of a server's container, and of the volume of the
// Docker within it.
func (c *Centre) container(node string) string { return c.prefix() + node }

// startMachine starts the container of a server, without any network yet, and
// gives its network namespace a name.
func (c *Centre) startMachine(ctx context.Context, n cluster.Node) error {
	name := c.container(n.Name)
	args := []string{"create", "--name", name, "--label", label + "=" + c.Name, "--hostname", n.Name, "--network", "none",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--stop-signal", haltSignal,
		"--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
		"--volume", name + ":/var/lib/docker"}
	for _, capability := range capabilities {
		args = append(args, "--cap-add", capability)
	}
	if _, err := c.docker(ctx, append(args, c.bootImage(), "/bin/sh", "-c", initScript)...); err != nil {
		return err
	}
	if err := c.seed(ctx, n); err != nil {
		return err
	}
	if _, err := c.docker(ctx, "start", name); err != nil {
		return err
	}
	return c.attach(ctx, n)
}

// attach gives the network namespace of a running server its name.
func (c *Centre) attach(ctx context.Context, n cluster.Node) error {
	pid, err := c.docker(ctx, "inspect", "--format", "{{.State.Pid}}", c.container(n.Name))
	if err != nil {
		return err
	}
	if _, err := run(ctx, "ip", "netns", "attach", c.namespace(n.Name), strings.TrimSpace(pid)); err != nil {
		// Its process, 0 or another, is not there any more.
		return fmt.Errorf("%s does not run: %w\n%s", n.Name, err, c.lastWords(ctx, n.Name))
	}
	// In a container /proc/sys is read-only; from here it is not.
	return c.setSysctls(ctx, n)
}

// lastWords tells how a server has ended, as far as Docker knows.
func (c *Centre) lastWords(ctx context.Context, server string) string {
	how, err := c.docker(ctx, "inspect", "--format", "its init ended with status {{.State.ExitCode}} {{.State.Error}}", c.container(server))
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	// What it wrote may be nothing.
	said, _ := exec.CommandContext(ctx, "docker", c.dockerArgs("logs", "--tail", "5", c.container(server))...).CombinedOutput()
	return strings.TrimSpace(how) + "\n" + strings.TrimSpace(string(said))
}

// missingMachines names a server whose systemd has not started everything.
func (c *Centre) missingMachines(ctx context.Context) (string, error) {
	for _, n := range c.cluster.Nodes {
		if !c.machine(n) {
			continue
		}
		if what, err := c.missingMachine(ctx, n.Name); what != "" || err != nil {
			return what, err
		}
	}
	return "", nil
}

// missingMachine says what a server's systemd has not done yet.
func (c *Centre) missingMachine(ctx context.Context, name string) (string, error) {
	// The command fails in every state but "running".
	out, err := c.docker(ctx, "exec", c.container(name), "systemctl", "is-system-running")
	if state := strings.TrimSpace(out); state != "running" {
		return fmt.Sprintf("%s to be running, it is %q", name, state), err
	}
	return "", nil
}
