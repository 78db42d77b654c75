package placemat

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// stateRoot is the directory with a directory for each data centre that is up.
const stateRoot = "/run/placemat"

// names matches the names of data centres. They have no hyphen, so that the prefix of one
// data centre, pm-<name>-, is never a prefix of another's.
var names = regexp.MustCompile(`^[a-z][a-z0-9]{0,15}$`)

// Centre is a virtual data centre on this machine, whether or not it is up.
type Centre struct {
	// Name identifies the data centre on this machine.
	Name string
	// Say reports progress to the user. By default it does nothing.
	Say func(format string, args ...any)

	cluster *cluster.Cluster
}

// New returns the data centre called name. It does not check whether it is up.
func New(name string) (*Centre, error) {
	if !names.MatchString(name) {
		return nil, fmt.Errorf("data centre %q: a name has up to 16 small letters and digits, a letter first", name)
	}
	return &Centre{Name: name, Say: func(string, ...any) {}}, nil
}

// path returns a path below the state directory of the data centre.
func (c *Centre) path(elem ...string) string {
	return filepath.Join(append([]string{stateRoot, c.Name}, elem...)...)
}

// description returns the directory with the data centre's own copy of the files from
// which package cluster reads its description.
func (c *Centre) description() string { return c.path("description") }

// namespace returns the name of a node's network namespace.
func (c *Centre) namespace(node string) string { return c.prefix() + node }

func (c *Centre) prefix() string { return "pm-" + c.Name + "-" }

// load reads the description of the data centre (see [cluster.Cluster]), and fails if
// the data centre is not up.
func (c *Centre) load() error {
	if _, err := os.Stat(c.description()); err != nil {
		return fmt.Errorf("data centre %s is not up; placemat up DIR starts it", c.Name)
	}
	var err error
	c.cluster, err = cluster.Load(c.description())
	return err
}

// node returns the node called name. If there is none, the error lists the names of all
// nodes.
func (c *Centre) node(name string) (cluster.Node, error) {
	n, ok := c.cluster.Node(name)
	if !ok {
		var all []string
		for _, n := range c.cluster.Nodes {
			all = append(all, n.Name)
		}
		return n, fmt.Errorf("no node %q; the nodes are %s", name, strings.Join(all, " "))
	}
	return n, nil
}

// Command returns a command that runs a program on a node. The caller starts it.
func (c *Centre) Command(ctx context.Context, node, name string, args ...string) (*exec.Cmd, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	n, err := c.node(node)
	if err != nil {
		return nil, err
	}
	if c.machine(n) {
		return c.execInside(ctx, node, append([]string{name}, args...)...), nil
	}
	return c.inNetwork(ctx, node, name, args...), nil
}

// NetworkCommand returns a command that runs a program of this machine in the network
// namespace of a node, for example to capture packets. The caller starts it. It fails if
// the node is a server that is off.
func (c *Centre) NetworkCommand(ctx context.Context, node, name string, args ...string) (*exec.Cmd, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	if _, err := c.node(node); err != nil {
		return nil, err
	}
	if !c.on(node) {
		return nil, fmt.Errorf("%s is off", node)
	}
	return c.inNetwork(ctx, node, name, args...), nil
}

func (c *Centre) inNetwork(ctx context.Context, node, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", c.namespace(node), name}, args...)...)
}

// Cluster returns the description of the data centre: its nodes and links. It fails if
// the data centre is not up.
func (c *Centre) Cluster() (*cluster.Cluster, error) {
	err := c.load()
	return c.cluster, err
}

// Log returns the log of a node's BIRD.
func (c *Centre) Log(ctx context.Context, node string) ([]byte, error) {
	if err := c.load(); err != nil {
		return nil, err
	}
	n, err := c.node(node)
	if err != nil {
		return nil, err
	}
	if n.BirdConf == "" {
		return nil, fmt.Errorf("%s runs no BIRD", node)
	}
	if c.machine(n) {
		out, err := c.docker(ctx, "exec", c.container(node), "journalctl", "--unit=bird", "--no-pager", "--output=short-iso")
		return []byte(out), err
	}
	return os.ReadFile(c.path("log", node+".bird.log"))
}
