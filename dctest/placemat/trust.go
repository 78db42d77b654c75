package placemat

import (
	"context"
	"os"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// addToBundle is a script that adds the copied certificate to the file of all certificates.
// On a busy machine, update-ca-certificates would take a minute, because it starts a process
// for each certificate.
const addToBundle = `cert=/usr/local/share/ca-certificates/dctest.crt all=/etc/ssl/certs/ca-certificates.crt
grep -qxF "$(sed -n 2p "$cert")" "$all" || cat "$cert" >>"$all"`

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
		if !c.machine(n) || c.netboots(n) {
			continue
		}
		if _, err := c.docker(ctx, "cp", c.path("trust.crt"), c.container(n.Name)+":/usr/local/share/ca-certificates/dctest.crt"); err != nil {
			return err
		}
		if _, err := c.docker(ctx, "exec", c.container(n.Name), "sh", "-c", addToBundle); err != nil {
			return err
		}
	}
	return nil
}
