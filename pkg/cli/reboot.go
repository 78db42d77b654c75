package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// rebootTimeout is how long neco reboot-and-wait waits by default: less than CKE waits for it
	// (command_timeout_seconds of its configuration), so that it can say what it has waited for.
	rebootTimeout = 55 * time.Minute
	// maxNode is the maximum size of a node of CKE in bytes.
	maxNode = 1 << 20
)

func newRebootAndWaitCmd(env *Env) *cobra.Command {
	var flags machineFlags
	timeout := rebootTimeout
	cmd := &cobra.Command{
		Use:   "reboot-and-wait ID|-",
		Short: "Restart a machine, and wait until it is healthy",
		Long: `Restart a machine by its BMC, and wait until serf tells that it has booted and
that no unit has failed, and sabakan calls it healthy. A machine that is off is
switched on.

With -, the address of the machine is in a JSON object on standard input, as CKE
gives it: {"address": "10.69.0.196"}. Then there is no question.

` + idHelp,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			id := args[0]
			if id == "-" {
				address, err := nodeAddress(cmd.InOrStdin())
				if err != nil {
					return err
				}
				id, flags.given = address, true
			}
			all, err := findMachines(ctx, env, []string{id})
			if err != nil {
				return err
			}
			if sure, err := flags.agreed(cmd, all, "Restart at once, and wait for"); !sure {
				return err
			}
			return withBMCs(ctx, env, func(b bmcs) error {
				b = flags.accept(cmd, env, b)
				ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not within %s", timeout))
				defer cancel()
				return restartAndWait(ctx, env, b, all[0], func(text string) {
					fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", all[0].Spec.Serial, text)
				})
			})
		},
	}
	flags.register(cmd)
	cmd.Flags().Var(duration.Var(&timeout, time.Second, duration.Day), "timeout", "how long to wait, 1s to 1d (default: 55m)")
	return cmd
}

// nodeAddress reads the address of a node of CKE.
func nodeAddress(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxNode))
	var node struct {
		Address string `json:"address"`
	}
	if err == nil {
		err = json.Unmarshal(data, &node)
	}
	if err == nil && node.Address == "" {
		err = errors.New(`it has no "address"`)
	}
	if err != nil {
		return "", hint(fmt.Errorf("standard input is not a node of CKE: %s", printable.Line(err.Error())), `it must be a JSON object such as {"address": "10.69.0.196"}`)
	}
	return node.Address, nil
}

// restartAndWait restarts a machine, and waits until it is healthy or ctx ends.
func restartAndWait(ctx context.Context, env *Env, b bmcs, m sabakan.Machine, say func(string)) error {
	c := sabakan.New(env.Sabakan)
	defer c.Close()
	observer := fleet.New(c, env.Serf)
	serial := m.Spec.Serial
	r := reboot.Machine{
		Serial:  serial,
		Members: func(ctx context.Context) ([]statesetter.Member, error) { return observer.MembersOf(ctx, serial) },
		State: func(ctx context.Context) (sabakan.State, error) {
			m, err := findMachine(ctx, c, serial)
			return m.Status.State, err
		},
		Reset: func(ctx context.Context, r bmc.Reset) error {
			client, err := b.open(ctx, m)
			if err != nil {
				return err
			}
			defer client.Close()
			return client.Reset(ctx, r)
		},
		Say: say,
	}
	return r.Wait(ctx)
}
