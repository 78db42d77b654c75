package cli

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cybozu-go/neco/internal/suggest"
	"github.com/cybozu-go/neco/pkg/storage"
)

// exactly returns a check that a command has n arguments. [between] returns a check for
// a to b arguments, and [atLeast] for a or more. The errors of these checks have a hint
// with the usage.
func exactly(n int) cobra.PositionalArgs    { return between(n, n) }
func none() cobra.PositionalArgs            { return hinted(noArgs) }
func between(a, b int) cobra.PositionalArgs { return hinted(number(a, b)) }
func atLeast(a int) cobra.PositionalArgs    { return between(a, math.MaxInt) }

// noArgs is a check that returns an error if there are arguments. For a command with
// subcommands, the error is about an unknown subcommand.
func noArgs(cmd *cobra.Command, args []string) error {
	if cmd.HasSubCommands() {
		return cobra.NoArgs(cmd, args)
	}
	return number(0, 0)(cmd, args)
}

// number returns a check that a command has at least a and at most b arguments.
func number(a, b int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < a:
			return fmt.Errorf("%s: an argument is missing", cmd.CommandPath())
		case len(args) > b:
			return fmt.Errorf("%s: %q is one argument too many", cmd.CommandPath(), args[b])
		}
		return nil
	}
}

func hinted(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil || len(args) == 0 || !cmd.HasSubCommands() {
			return hint(err, "usage: %s; see %s --help", cmd.UseLine(), cmd.CommandPath())
		}
		return unknownCommand(cmd, args[0])
	}
}

// unknownCommand returns the error that cmd has no subcommand called name.
func unknownCommand(cmd *cobra.Command, name string) error {
	err := fmt.Errorf("unknown command %q for %q", name, cmd.CommandPath())
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if similar := suggest.Similar(name, names); len(similar) > 0 {
		return hint(err, "did you mean %s %s?", cmd.CommandPath(), strings.Join(similar, " or "))
	}
	return hint(err, "%s --help lists the commands", cmd.CommandPath())
}

// group returns a command that only has subcommands. When it is called without a
// subcommand, it prints its help.
func group(name, short string) *cobra.Command {
	return &cobra.Command{
		Use:   name,
		Short: short,
		Args:  none(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
}

// flagError returns err, an error of the flag package, in Neco's words and with a hint.
// If the arguments before the flags are not a command, the error is about these
// arguments instead.
func flagError(cmd *cobra.Command, err error) error {
	if args := cmd.Flags().Args(); cmd.HasSubCommands() && len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	if numErr := (*strconv.NumError)(nil); errors.As(err, &numErr) {
		text := strings.TrimSuffix(err.Error(), ": "+numErr.Error())
		wrong := "not a number, or too large"
		if numErr.Func == "ParseBool" {
			wrong = "it takes true or false"
		}
		err = fmt.Errorf("%s: %s", text, wrong)
	}
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		if m := negative.FindStringSubmatch(err.Error()); m != nil {
			err := fmt.Errorf("%q: no value may be negative", m[1])
			if k, unknown := storage.FindConfigKey(cmd.Flags().Arg(0)); unknown == nil {
				if _, refused := k.Parse(m[1]); refused != nil {
					err = refused
				}
			}
			return hint(err, "see %s --help", cmd.CommandPath())
		}
		if similar := suggest.Similar(unknown.GetSpecifiedName(), flagNames(cmd)); len(similar) > 0 {
			return hint(err, "did you mean --%s? see %s --help", strings.Join(similar, " or --"), cmd.CommandPath())
		}
	}
	return hint(err, "see %s --help", cmd.CommandPath())
}

// negative matches the error of the flag package about a negative number, which it has
// parsed as a flag.
var negative = regexp.MustCompile(` in (-[0-9].*)$`)

// flagNames returns the names of the flags of cmd.
func flagNames(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
