// Command placemat-menu reads a menu, a short description of a virtual data centre, and
// writes the complete description, which placemat starts.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/placemat/menu"
)

func main() {
	if err := newCommand().Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "placemat-menu: %v\n", err)
		os.Exit(1)
	}
}

// options are the values of the flags.
type options struct {
	menu, dir string
}

func newCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:               "placemat-menu -f MENU -o DIR",
		Short:             "Describe the virtual data centre of a menu",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              func(*cobra.Command, []string) error { return run(o) },
	}
	cmd.Flags().StringVarP(&o.menu, "file", "f", "", "the menu")
	cmd.Flags().StringVarP(&o.dir, "output", "o", "", "directory to write into; it is created if necessary")
	cmd.MarkFlagsRequiredTogether("file", "output")
	cmd.MarkFlagsOneRequired("file", "output")
	return cmd
}

// run reads the menu and writes the complete description. If a part of the menu is
// invalid, it writes no file.
func run(o options) error {
	m, err := menu.Load(o.menu)
	if err != nil {
		return err
	}
	files, err := m.Files()
	if err != nil {
		return err
	}
	return menu.Write(o.dir, files)
}
