package placemat

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/placemat/cluster"
	setup "github.com/cybozu-go/neco/pkg/setup/host"
)

const (
	// label is on every container of ours, with the data centre as its value.
	label = "placemat"
	// repository names the images that were imported for boot servers.
	repository = "placemat/boot"
	// importTimeout and bootTimeout bound the import of an image and the time
	// until systemd has started everything.
	importTimeout = 5 * time.Minute
	bootTimeout   = 2 * time.Minute
)

// capabilities are what systemd, Docker and BIRD need inside of a container.
var capabilities = [...]string{
	"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "NET_BROADCAST", "SYS_PTRACE",
	"DAC_READ_SEARCH", "SYSLOG", "SYS_NICE", "IPC_LOCK",
}

// container is the name of a server's container.
func (c *Centre) container(node string) string { return c.prefix() + node }

// machine reports whether a node is a container with a systemd of its own,
// which sets its network up itself.
func (c *Centre) machine(n cluster.Node) bool {
	return n.Kind == cluster.Boot && c.bootImage() != ""
}

// bootImage is the image of the boot servers in Docker; empty: they are
// namespaces only.
func (c *Centre) bootImage() string {
	data, err := os.ReadFile(c.path("boot-image"))
	if err != nil {
		return ""
	}
	return string(data)
}

// importImage gives Docker the root file system in file, once, and notes it.
func (c *Centre) importImage(ctx context.Context, file string) error {
	if file == "" {
		return nil
	}
	image := repository + ":" + strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if _, err := run(ctx, "docker", "image", "inspect", image); err != nil {
		c.Say("imports %s into Docker", filepath.Base(file))
		if _, err := runFor(ctx, importTimeout, nil, "docker", "import", file, image); err != nil {
			return err
		}
	}
	return os.WriteFile(c.path("boot-image"), []byte(image), 0o644)
}

// startMachine starts the container of a server, without any network yet, and
// gives its network namespace a name.
func (c *Centre) startMachine(ctx context.Context, n cluster.Node) error {
	name := c.container(n.Name)
	args := []string{"create", "--name", name, "--label", label + "=" + c.Name, "--hostname", n.Name, "--network", "none",
		"--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--tmpfs", "/run", "--tmpfs", "/run/lock", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
		"--volume", name + ":/var/lib/docker"}
	for _, capability := range capabilities {
		args = append(args, "--cap-add", capability)
	}
	if _, err := run(ctx, "docker", append(args, c.bootImage(), "/sbin/init")...); err != nil {
		return err
	}
	if err := c.seed(ctx, n); err != nil {
		return err
	}
	if _, err := run(ctx, "docker", "start", name); err != nil {
		return err
	}
	return c.attach(ctx, n)
}

// seed tells a server who it is.
func (c *Centre) seed(ctx context.Context, n cluster.Node) error {
	data, err := os.ReadFile(filepath.Join(c.description(), n.Server.Seed))
	if err != nil {
		return err
	}
	seed, err := setup.ParseSeed(data)
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := setup.Archive(&archive, seed, "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"); err != nil {
		return err
	}
	_, err = runFor(ctx, commandTimeout, &archive, "docker", "cp", "-", c.container(n.Name)+":/")
	return err
}

// attach gives the network namespace of a running server its name.
func (c *Centre) attach(ctx context.Context, n cluster.Node) error {
	out, err := run(ctx, "docker", "inspect", "--format", "{{.State.Pid}}", c.container(n.Name))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || pid == 0 {
		return fmt.Errorf("%s does not run", n.Name)
	}
	if _, err := run(ctx, "ip", "netns", "attach", c.namespace(n.Name), strconv.Itoa(pid)); err != nil {
		return err
	}
	// In a container /proc/sys is read-only; from here it is not.
	return c.setSysctls(ctx, n)
}

// trusted is the certificate that boot servers trust; empty: none.
func (c *Centre) trusted() string {
	if _, err := os.Stat(c.path("trust.crt")); err != nil {
		return ""
	}
	return c.path("trust.crt")
}

// trust lets servers trust the authority whose certificate is in file.  Nothing
// on them has made a TLS connection yet that would have to be told.
func (c *Centre) trust(ctx context.Context, file string, nodes ...cluster.Node) error {
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(c.path("trust.crt"), data, 0o644)
	}
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if !c.machine(n) {
			continue
		}
		if _, err := run(ctx, "docker", "cp", c.path("trust.crt"), c.container(n.Name)+":/usr/local/share/ca-certificates/dctest.crt"); err != nil {
			return err
		}
		if _, err := run(ctx, "docker", "exec", c.container(n.Name), "update-ca-certificates"); err != nil {
			return err
		}
	}
	return nil
}

// missingMachines names a server whose systemd has not started everything.
func (c *Centre) missingMachines(ctx context.Context) (string, error) {
	for _, n := range c.cluster.Nodes {
		if !c.machine(n) {
			continue
		}
		// The command fails in every state but "running".
		out, err := run(ctx, "docker", "exec", c.container(n.Name), "systemctl", "is-system-running")
		if state := strings.TrimSpace(out); state != "running" {
			return fmt.Sprintf("%s to be running, it is %q", n.Name, state), err
		}
	}
	return "", nil
}

// removeMachines removes the containers of this data centre with their
// volumes, also after a crash.
func (c *Centre) removeMachines(ctx context.Context) error {
	out, err := run(ctx, "docker", "ps", "--all", "--filter", "label="+label+"="+c.Name, "--format", "{{.Names}}")
	if err != nil {
		if c.bootImage() == "" {
			return nil // no Docker, and nothing of ours in it
		}
		return err
	}
	for _, name := range strings.Fields(out) {
		if _, err := runFor(ctx, importTimeout, nil, "docker", "rm", "--force", "--volumes", name); err != nil {
			return err
		}
		if _, err := run(ctx, "docker", "volume", "rm", "--force", name); err != nil {
			return err
		}
	}
	return nil
}
