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
	// label is the key of a label that every container of this package has. Its value is
	// the name of the data centre.
	label = "placemat"
	// bootTimeout is how long systemd may take to start all units, and haltTimeout to
	// stop them.
	bootTimeout = 2 * time.Minute
	haltTimeout = time.Minute
	// haltSignal makes systemd in a container stop all units and halt.
	haltSignal = "SIGRTMIN+3"
	// initScript is the command of a server's first process. Docker mounts its own files
	// over three files of the server; initScript unmounts them, so that the server uses
	// its own files and can replace them.
	initScript = "umount /etc/hosts /etc/hostname /etc/resolv.conf; exec /sbin/init"
)

// capabilities are the Linux capabilities that systemd, Docker and BIRD need in a
// container.
var capabilities = [...]string{
	"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SYS_PTRACE",
	"DAC_READ_SEARCH", "SYSLOG", "SYS_NICE", "IPC_LOCK",
}

// container returns the name of a server's container. The volume for the server's inner
// Docker has the same name.
func (c *Centre) container(node string) string { return c.prefix() + node }

// startMachine creates and starts the container of a server, without links, and gives its
// network namespace a name.
func (c *Centre) startMachine(ctx context.Context, n cluster.Node) error {
	name := c.container(n.Name)
	args := []string{"create", "--name", name, "--label", label + "=" + c.Name, "--hostname", n.Name, "--network", "none",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--stop-signal", haltSignal,
		"--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
		"--volume", name + ":/var/lib/docker"}
	for _, capability := range capabilities {
		args = append(args, "--cap-add", capability)
	}
	if c.netboots(n) {
		args = append(args, c.image("node"), "/bin/sh", "-c", netbootScript, "sh", n.Server.Serial)
	} else {
		args = append(args, c.image("boot"), "/bin/sh", "-c", initScript)
	}
	if _, err := c.docker(ctx, args...); err != nil {
		return err
	}
	if err := c.fill(ctx, n); err != nil {
		return err
	}
	if _, err := c.docker(ctx, "start", name); err != nil {
		return err
	}
	return c.attach(ctx, n)
}

// fill puts the files into a new container with which the server starts.
func (c *Centre) fill(ctx context.Context, n cluster.Node) error {
	if c.netboots(n) {
		_, err := c.docker(ctx, "cp", c.path("netboot"), c.container(n.Name)+":"+netbootProgram)
		return err
	}
	return c.seed(ctx, n)
}

// attach gives the network namespace of a running server a name, and sets the server's
// sysctls.
func (c *Centre) attach(ctx context.Context, n cluster.Node) error {
	pid, err := c.docker(ctx, "inspect", "--format", "{{.State.Pid}}", c.container(n.Name))
	if err != nil {
		return err
	}
	if _, err := run(ctx, "ip", "netns", "attach", c.namespace(n.Name), strings.TrimSpace(pid)); err != nil {
		// The container has exited: the pid is 0 or stale.
		return fmt.Errorf("%s does not run: %w\n%s", n.Name, err, c.exitReport(ctx, n.Name))
	}
	// Inside the container /proc/sys is read-only.
	return c.setSysctls(ctx, n)
}

// exitReport returns the exit status of a server's container with the last lines of the
// container's output, or an error of Docker as text.
func (c *Centre) exitReport(ctx context.Context, server string) string {
	how, err := c.docker(ctx, "inspect", "--format", "its init ended with status {{.State.ExitCode}} {{.State.Error}}", c.container(server))
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	// An error only means that there is no output to show.
	said, _ := exec.CommandContext(ctx, "docker", c.dockerArgs("logs", "--tail", "5", c.container(server))...).CombinedOutput()
	return strings.TrimSpace(how) + "\n" + strings.TrimSpace(string(said))
}

// missingMachines is a condition for await: it returns a text about the first boot server
// whose systemd has not started all units, or "" if there is none.
func (c *Centre) missingMachines(ctx context.Context) (string, error) {
	for _, n := range c.cluster.Nodes {
		if !c.machine(n) || c.netboots(n) {
			continue
		}
		if what, err := c.missingMachine(ctx, n.Name); what != "" || err != nil {
			return what, err
		}
	}
	return "", nil
}

// missingMachine returns the same as missingMachines, but for a single server.
func (c *Centre) missingMachine(ctx context.Context, name string) (string, error) {
	// The command exits with an error in every state except "running".
	out, err := c.docker(ctx, "exec", c.container(name), "systemctl", "is-system-running")
	if state := strings.TrimSpace(out); state != "running" {
		return fmt.Sprintf("%s to be running, it is %q", name, state), err
	}
	return "", nil
}
