package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/bmcaccess"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
)

const (
	// parallelMachines is with how many machines a command works at the same time.
	parallelMachines = 20
	// sabakanTimeout is how long sabakan has time to find the machines of a command.
	sabakanTimeout = 30 * time.Second
)

// sabakanHint is the hint if sabakan does not answer.
const sabakanHint = "is sabakan running on this boot server? systemctl status sabakan"

// idHelp explains the arguments ID of commands.
const idHelp = "ID is a serial number or an address of the machine, which must be in sabakan."

// findMachines returns the machines in sabakan with the given serial numbers or addresses, in
// their order.
func findMachines(ctx context.Context, env *Env, ids []string) ([]sabakan.Machine, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, sabakanTimeout, fmt.Errorf("sabakan does not answer within %s", sabakanTimeout))
	defer cancel()
	c := sabakan.New(env.Sabakan)
	defer c.Close()
	var all []sabakan.Machine
	seen := map[string]string{} // by serial number
	for _, id := range ids {
		m, err := findMachine(ctx, c, id)
		if err != nil {
			return nil, err
		}
		if other, ok := seen[m.Spec.Serial]; ok {
			return nil, hint(fmt.Errorf("%s and %s are the same machine, %s", other, id, m.Spec.Serial), "give each machine once")
		}
		seen[m.Spec.Serial] = id
		all = append(all, m)
	}
	return all, nil
}

func findMachine(ctx context.Context, c *sabakan.Client, id string) (sabakan.Machine, error) {
	key := "serial"
	if address, err := netip.ParseAddr(id); err == nil {
		key = "ipv6"
		if address.Is4() {
			key = "ipv4"
		}
	}
	found, err := c.Machines(ctx, url.Values{key: {id}})
	switch {
	case err != nil:
		return sabakan.Machine{}, hint(err, sabakanHint)
	case len(found) == 0:
		return sabakan.Machine{}, hint(fmt.Errorf("sabakan has no machine %s", id), "sabactl machines get lists all machines; the argument is a serial number or an address")
	case len(found) > 1:
		var serials []string
		for _, m := range found {
			serials = append(serials, m.Spec.Serial)
		}
		return sabakan.Machine{}, hint(fmt.Errorf("sabakan has %d machines %s: %s", len(found), id, strings.Join(serials, ", ")), "give a serial number")
	}
	return found[0], nil
}

// describe returns what tells a machine from others.
func describe(m sabakan.Machine) string {
	text := fmt.Sprintf("%s (%s in rack %d", m.Spec.Serial, m.Spec.Role, m.Spec.Rack)
	if len(m.Spec.IPv4) > 0 {
		text += ", " + m.Spec.IPv4[0].String()
	}
	return text + ", " + string(m.Status.State) + ")"
}

// withBMCs calls f with the access to BMCs.
func withBMCs(ctx context.Context, env *Env, f func(bmcs) error) error {
	return env.withStorage(func(s *storage.Storage) error {
		b := bmcs{store: s}
		err := env.guarded(ctx, s, etcdTimeout, func(ctx context.Context) (err error) {
			b.access, err = bmcaccess.New(ctx, s, env.BMCPort)
			return err
		})
		if errors.Is(err, bmcaccess.ErrNoUser) {
			return hint(err, "set them with neco bmc config set")
		}
		if err != nil {
			return err
		}
		return f(b)
	})
}

// bmcs opens BMCs of machines.
type bmcs struct {
	store  *storage.Storage
	access bmcaccess.Access
}

// open opens the BMC of a machine. The caller closes it.
func (b bmcs) open(ctx context.Context, m sabakan.Machine) (*bmc.Client, error) {
	c, err := b.access.Open(ctx, m)
	switch {
	case errors.Is(err, bmc.ErrCertificate):
		return nil, hint(err, "if the BMC or its certificate was replaced, run the command again with --accept-certificate")
	case errors.Is(err, bmc.ErrLogin):
		return nil, hint(err, "compare the user of the BMC with neco bmc config get ipmi-user; neco bmc config set ipmi-password changes the password")
	}
	return c, err
}

// machineFlags are the flags of commands that change machines.
type machineFlags struct {
	consent
	dryRun, acceptCertificate bool
}

func (f *machineFlags) register(cmd *cobra.Command) {
	f.consent.register(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only print what would be done")
	f.registerAccept(cmd)
}

func (f *machineFlags) registerAccept(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.acceptCertificate, "accept-certificate", false, "accept another certificate of the BMC than before")
}

// accept returns b, which accepts other certificates than before if that is wanted: it replaces the
// one that is kept for a machine, and says so.
func (f *machineFlags) accept(cmd *cobra.Command, env *Env, b bmcs) bmcs {
	if !f.acceptCertificate {
		return b
	}
	b.access = b.access.Accepting(func(ctx context.Context, serial, kept, seen string) error {
		err := env.guarded(ctx, b.store, etcdTimeout, func(ctx context.Context) error {
			return b.store.ReplacePin(ctx, serial, kept, seen, env.act(storage.KindConfig, "another certificate of the BMC of %s is accepted", serial))
		})
		if err == nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: the certificate of the BMC is SHA-256 %s now, and was %s\n", serial, seen, kept)
		}
		return err
	})
	return b
}

// agreed prints what is done with machines, and reports whether the operator wants that.
func (f *machineFlags) agreed(cmd *cobra.Command, all []sabakan.Machine, what string) (bool, error) {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s:\n", what)
	for _, m := range all {
		fmt.Fprintf(out, "  %s\n", describe(m))
	}
	if f.dryRun {
		return false, nil
	}
	err := f.get(cmd)
	return err == nil, err
}

// each calls do for each machine, for some at the same time, and prints its result or its error
// when it has ended. The trouble of one machine does not end the others. If ctx ends, machines
// that have not begun are left out. The error counts and names those that failed or were left out.
func each(ctx context.Context, out io.Writer, all []sabakan.Machine, do func(context.Context, sabakan.Machine) (string, error)) error {
	var mu sync.Mutex
	errs := map[string]error{}
	var g errgroup.Group
	g.SetLimit(parallelMachines)
	for _, m := range all {
		g.Go(func() error {
			result, err := "", context.Cause(ctx)
			if err == nil {
				result, err = do(ctx, m)
			} else {
				err = fmt.Errorf("machine %s: not begun: %w", m.Spec.Serial, err)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				errs[m.Spec.Serial] = err
			case len(all) == 1:
				fmt.Fprintln(out, result)
			default:
				fmt.Fprintf(out, "%s: %s\n", m.Spec.Serial, result)
			}
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	if len(all) == 1 {
		return errs[all[0].Spec.Serial]
	}
	return troubles(all, errs)
}

// troubles returns the errors of machines in their order, or nil.
func troubles(all []sabakan.Machine, errs map[string]error) error {
	if len(errs) == 0 {
		return nil
	}
	joined := []error{fmt.Errorf("%d of %d machines failed", len(errs), len(all))}
	for _, m := range all {
		if err := errs[m.Spec.Serial]; err != nil {
			joined = append(joined, err)
		}
	}
	return errors.Join(joined...)
}
