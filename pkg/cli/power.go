package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// powerTimeout is how long neco power --wait waits by default.
const powerTimeout = 10 * time.Minute

func newPowerCmd(env *Env) *cobra.Command {
	cmd := group("power", "Switch machines on and off by their BMC")
	cmd.Aliases = []string{"ipmipower"}
	cmd.AddCommand(
		newPowerStatusCmd(env),
		newPowerChangeCmd(env, powerChange{"start", "Switch machines on", "Switch on", staysAsItIs, bmc.PowerOn, false}),
		newPowerChangeCmd(env, powerChange{"stop", "Switch machines off at once", "Switch off at once", staysAsItIs, bmc.ForceOff, true}),
		newPowerChangeCmd(env, powerChange{"restart", "Restart machines at once", "Restart at once", "neco reboot-and-wait waits until one is healthy.", bmc.ForceRestart, true}),
	)
	return cmd
}

// staysAsItIs is the end of the help of commands that want a state.
const staysAsItIs = "A machine that is in the wanted state stays as it is."

// powerChange is a subcommand of neco power.
type powerChange struct {
	name, short, title string
	// more is the end of the help.
	more  string
	reset bmc.Reset
	// asks reports whether the operator must agree.
	asks bool
}

func newPowerChangeCmd(env *Env, p powerChange) *cobra.Command {
	var flags machineFlags
	var wait bool
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   p.name + " ID...",
		Short: p.short,
		Long:  p.short + ", by their BMC. Their operating systems do\nnot notice it before. " + p.more + "\n\n" + idHelp,
		Args:  atLeast(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			all, err := findMachines(ctx, env, args)
			if err != nil {
				return err
			}
			if p.asks || flags.dryRun {
				if sure, err := flags.agreed(cmd, all, p.title); !sure {
					return err
				}
			}
			if !wait {
				timeout = 0
			}
			return withBMCs(ctx, env, func(b bmcs) error {
				b = flags.accept(cmd, env, b)
				return each(ctx, cmd.OutOrStdout(), all, func(ctx context.Context, m sabakan.Machine) (string, error) {
					return p.do(ctx, b, m, timeout)
				})
			})
		},
	}
	if p.asks {
		flags.register(cmd)
	} else {
		cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "only print what would be done")
		flags.registerAccept(cmd)
	}
	if p.reset != bmc.ForceRestart { // the power is on before and after it
		cmd.Flags().BoolVar(&wait, "wait", false, "wait until the machines are in the wanted state")
		cmd.Flags().DurationVar(&timeout, "timeout", powerTimeout, "how long --wait waits")
	}
	return cmd
}

// do changes the power of one machine, and waits for the change for at most timeout, if that is
// not 0.
func (p powerChange) do(ctx context.Context, b bmcs, m sabakan.Machine, timeout time.Duration) (string, error) {
	c, err := b.open(ctx, m)
	if err != nil {
		return "", err
	}
	defer c.Close()
	result := "ok"
	err = c.Reset(ctx, p.reset)
	switch {
	case errors.Is(err, bmc.ErrState) && p.reset != bmc.ForceRestart:
		result = fmt.Sprintf("is %s already", p.reset.Result())
	case errors.Is(err, bmc.ErrState):
		return "", hint(err, "a machine that is off is switched on with neco power start %s", m.Spec.Serial)
	case err != nil:
		return "", err
	}
	if timeout == 0 {
		return result, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not within %s", timeout))
	defer cancel()
	return result, c.Await(ctx, p.reset.Result())
}

// powerJSON is the JSON of neco power status.
type powerJSON struct {
	Serial string    `json:"serial"`
	Power  bmc.Power `json:"power"`
}

func newPowerStatusCmd(env *Env) *cobra.Command {
	var o output
	var flags machineFlags
	cmd := &cobra.Command{
		Use:   "status ID...",
		Short: "Print whether machines are on: On, Off, PoweringOn or PoweringOff",
		Long:  "Print whether machines are on: On, Off, PoweringOn or PoweringOff.\n\n" + idHelp,
		Args:  atLeast(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			ctx := cmd.Context()
			all, err := findMachines(ctx, env, args)
			if err != nil {
				return err
			}
			return withBMCs(ctx, env, func(b bmcs) error {
				b = flags.accept(cmd, env, b)
				if o.json() {
					return printPowers(ctx, cmd, b, all)
				}
				return each(ctx, cmd.OutOrStdout(), all, func(ctx context.Context, m sabakan.Machine) (string, error) {
					p, err := b.power(ctx, m)
					return printable.Line(string(p)), err
				})
			})
		},
	}
	flags.registerAccept(cmd)
	o.register(cmd)
	return cmd
}

// printPowers prints the power of machines as JSON.
func printPowers(ctx context.Context, cmd *cobra.Command, b bmcs, all []sabakan.Machine) error {
	powers := make(chan powerJSON, len(all))
	err := each(ctx, io.Discard, all, func(ctx context.Context, m sabakan.Machine) (string, error) {
		p, err := b.power(ctx, m)
		if err == nil {
			powers <- powerJSON{m.Spec.Serial, p}
		}
		return "", err
	})
	close(powers)
	by := map[string]powerJSON{}
	for p := range powers {
		by[p.Serial] = p
	}
	list := []powerJSON{}
	for _, m := range all {
		if p, ok := by[m.Spec.Serial]; ok {
			list = append(list, p)
		}
	}
	return errors.Join(err, writeJSON(cmd.OutOrStdout(), list))
}

// power returns whether a machine is on.
func (b bmcs) power(ctx context.Context, m sabakan.Machine) (bmc.Power, error) {
	c, err := b.open(ctx, m)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.Power(ctx)
}
