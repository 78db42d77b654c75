package placemat

import (
	"context"
	"os"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// trustTimeout is how long update-ca-certificates may run on a server. It starts a process
// for each certificate, while the server boots.
const trustTimeout = 2 * time.Minute

// keepTrust copies the certificate in file into the state directory. It is the
// certificate of a CA that boot servers are to trust. If file is empty, keepTrust does
// nothing.
func (c *Centre) keepTrust(file string) error {
	if file == "" {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(c.path("trust.crt"), data, 0o644)
}

// trust makes the servers among nodes trust the CA whose certificate keepTrust has
// copied, if there is one. It restarts no process on them, because none has used TLS yet.
func (c *Centre) trust(ctx context.Context, nodes ...cluster.Node) error {
	if _, err := os.Stat(c.path("trust.crt")); err != nil {
		return nil
	}
	for _, n := range nodes {
		if !c.machine(n) {
			continue
		}
		if _, err := c.docker(ctx, "cp", c.path("trust.crt"), c.container(n.Name)+":/usr/local/share/ca-certificates/dctest.crt"); err != nil {
			return err
		}
		// A server that boots empties its /tmp.
		if _, err := c.dockerFor(ctx, trustTimeout, nil, "exec", "--env", "TMPDIR=/run", c.container(n.Name), "update-ca-certificates"); err != nil {
			return err
		}
	}
	return nil
}
