package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// output is the value of the flag -o.
type output struct{ format string }

// The values of -o.
const (
	formatTable = "table"
	formatJSON  = "json"
)

func (o *output) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", formatTable, "output format: table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatTable, formatJSON}, cobra.ShellCompDirectiveNoFileComp))
}

// registerJSON registers -o for a command whose only format is JSON.
func (o *output) registerJSON(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", formatJSON, "output format: only json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{formatJSON}, cobra.ShellCompDirectiveNoFileComp))
}

// validateJSON returns an error unless the value of -o is json.
func (o *output) validateJSON() error {
	if o.format != formatJSON {
		return hint(fmt.Errorf("unknown output format %q", o.format), "choose -o json")
	}
	return nil
}

// validate returns an error unless the value of -o is table or json.
func (o *output) validate() error {
	if o.format != formatTable && o.format != formatJSON {
		return hint(fmt.Errorf("unknown output format %q", o.format), "choose -o table or -o json")
	}
	return nil
}

func (o *output) json() bool { return o.format == formatJSON }

// writeJSON writes v as indented JSON.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
