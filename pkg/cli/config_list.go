package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/storage"
)

// configEntry is a configuration key in the output of neco config list.
type configEntry struct {
	Key string `json:"key"`
	// Value is the value in use; empty for secrets.
	Value  string `json:"value,omitempty"`
	Set    bool   `json:"set"`
	Secret bool   `json:"secret,omitempty"`
	// Error is why the stored value is not used; empty if it is.
	Error string `json:"error,omitempty"`
	Help  string `json:"help"`
}

func newConfigListCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the configuration, without its secrets",
		Args:  none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				entries, err := listConfig(ctx, s)
				if err != nil {
					return err
				}
				if o.json() {
					return writeJSON(cmd.OutOrStdout(), entries)
				}
				return writeConfig(cmd.OutOrStdout(), entries)
			})
		},
	}
	o.register(cmd)
	return cmd
}

func listConfig(ctx context.Context, s *storage.Storage) ([]configEntry, error) {
	var entries []configEntry
	for _, k := range storage.ConfigKeys() {
		e := configEntry{Key: k.Name, Value: k.Default, Secret: k.Secret, Help: k.Help}
		value, err := s.GetConfig(ctx, k)
		var bad storage.MalformedKey
		switch {
		case errors.Is(err, storage.ErrNotSet):
		case err == nil:
			e.Set = true
			e.Value = k.Show(value)
		case errors.As(err, &bad):
			e.Set = true
			e.Error = printable.Line(bad.Err.Error())
		default:
			return nil, err
		}
		if k.Secret {
			e.Value = ""
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func writeConfig(w io.Writer, entries []configEntry) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "KEY\tVALUE\tWHAT IT IS")
	for _, e := range entries {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", e.Key, e.shown(), e.Help)
	}
	return tw.Flush()
}

func (e configEntry) shown() string {
	switch {
	case e.Error != "":
		return "malformed, not used"
	case e.Set && e.Secret:
		return "(set)"
	case e.Set:
		return shortLines(e.Value)
	case e.Value != "":
		return e.Value + " (default)"
	}
	return "-"
}
