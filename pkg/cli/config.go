package cli

import (
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/storage"
)

func newConfigCmd(env *Env) *cobra.Command {
	cmd := group("config", "Show and change the configuration of the data centre")
	cmd.AddCommand(newConfigSetCmd(env), newConfigUnsetCmd(env), newConfigGetCmd(env), newConfigListCmd(env))
	return cmd
}

// findKey returns the configuration key called name. The error lists similar names or all
// names.
func findKey(name string) (storage.ConfigKey, error) {
	k, err := storage.FindConfigKey(name)
	return k, hint(err, "neco config list shows what each is for")
}

// completeKeys returns a function that completes the name of a configuration key. If
// values is true, it also completes the value after the name.
func completeKeys(values bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var offers []cobra.Completion
		switch {
		case len(args) == 0:
			for _, k := range storage.ConfigKeys() {
				offers = append(offers, cobra.CompletionWithDesc(k.Name, k.Help))
			}
		case len(args) == 1 && values:
			if k, err := storage.FindConfigKey(args[0]); err == nil {
				offers = k.Choices
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
}
