package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// consent is the flag --yes of a command that asks for confirmation.
type consent struct{ given bool }

// register adds --yes to cmd.
func (c *consent) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.given, "yes", false, "do not ask for confirmation")
}

// get returns nil if the operator accepts the printed changes, by --yes or by typing
// yes, and an error otherwise. Without --yes it needs a terminal.
func (c *consent) get(cmd *cobra.Command) error {
	if c.given {
		return nil
	}
	sure, err := confirm(cmd, "Go on?")
	switch {
	case errors.Is(err, errNoTerminal):
		return hint(err, "nothing was changed; add --yes to go on without a question")
	case err != nil || !sure:
		return errors.Join(errors.New("nothing was changed"), err)
	}
	return nil
}
