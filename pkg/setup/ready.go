package setup

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cybozu-go/neco"
)

// Ready looks whether a server could become one of a data centre that runs; it
// changes nothing.  With began an earlier try has been here: what is there then
// is its own.
func Ready(ctx context.Context, o Options, began bool) error {
	r := &run{Options: o, began: began}
	checks := []localCheck{
		{"names", checkNames},
		{"addresses", checkAddresses},
		{"Docker", func(ctx context.Context, r *run) error { return r.Containers.Answers(ctx) }},
		{"earlier data", checkNoCluster},
		{"ports", checkPorts},
		{"disk", checkDisk},
	}
	var errs []error
	for _, c := range checks {
		if err := c.run(ctx, r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// checkNoCluster makes sure that the server is of no cluster yet.
func checkNoCluster(_ context.Context, r *run) error {
	if !r.began && r.hasEtcdData() {
		return fmt.Errorf("%s has data of a cluster that this server was of; neco reset gives it up", neco.EtcdDataDir)
	}
	if exists(r.FS, progressFile) {
		return errors.New("a neco setup was begun here; finish it, or give it up with neco reset")
	}
	return nil
}

// Bastion is this server's address in the operators' network; the zero value if
// it has none.
func (h Host) Bastion() netip.Addr { return (&run{Options: Options{Host: h}}).bastion() }
