package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/retirement"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

func newTPMCmd(env *Env) *cobra.Command {
	cmd := group("tpm", "Show and clear the TPM of a machine")
	cmd.AddCommand(newTPMShowCmd(env), newTPMClearCmd(env))
	return cmd
}

func newTPMShowCmd(env *Env) *cobra.Command {
	var flags machineFlags
	var o output
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Print what the BMC says of a machine's TPM, as JSON",
		Long:  "Print what the BMC says of a machine's TPM, as JSON: its modules, and the\nattributes of the BIOS that begin with Tpm. -o json is the default and the\nonly format.\n\n" + idHelp,
		Args:  exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validateJSON(); err != nil {
				return err
			}
			return withBMC(cmd, env, args[0], flags, func(ctx context.Context, c *bmc.Client, _ sabakan.Machine) error {
				tpm, err := c.TPM(ctx)
				if err != nil {
					return err
				}
				return writeJSON(cmd.OutOrStdout(), tpm)
			})
		},
	}
	o.registerJSON(cmd)
	flags.registerAccept(cmd)
	return cmd
}

func newTPMClearCmd(env *Env) *cobra.Command {
	var flags machineFlags
	var force bool
	cmd := &cobra.Command{
		Use:   "clear --force ID",
		Short: "Clear the TPM of a retiring machine",
		Long: `Clear the TPM of a machine that is retiring in sabakan. Its disks cannot be
decrypted afterwards. By its type, the machine is switched off, or its BIOS
clears the TPM at the next boot, for which it restarts at once.

` + idHelp,
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !force && !flags.dryRun {
				return hint(errors.New("the TPM is not cleared without --force"), "the disks of the machine cannot be decrypted afterwards")
			}
			all, err := findMachines(cmd.Context(), env, args)
			if err != nil {
				return err
			}
			if err := retirement.Check(all[0]); err != nil {
				return hint(err, "sabactl machines set-state %s retiring, if it is to retire", all[0].Spec.Serial)
			}
			if flags.dryRun {
				_, err := flags.agreed(cmd, all, "Clear the TPM of")
				return err
			}
			err = withBMC(cmd, env, args[0], flags, func(ctx context.Context, c *bmc.Client, m sabakan.Machine) error {
				return retirement.ClearTPM(ctx, c, m)
			})
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "ok")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "clear it: nothing can decrypt the disks afterwards")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "only print what would be done")
	flags.registerAccept(cmd)
	return cmd
}

// withBMC calls f with the BMC of the machine with the given serial number or address.
func withBMC(cmd *cobra.Command, env *Env, id string, flags machineFlags, f func(context.Context, *bmc.Client, sabakan.Machine) error) error {
	ctx := cmd.Context()
	all, err := findMachines(ctx, env, []string{id})
	if err != nil {
		return err
	}
	return withBMCs(ctx, env, func(b bmcs) error {
		c, err := flags.accept(cmd, env, b).open(ctx, all[0])
		if err != nil {
			return err
		}
		defer c.Close()
		return f(ctx, c, all[0])
	})
}
