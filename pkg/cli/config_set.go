package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newConfigSetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY [VALUE]",
		Short: "Change a key of the configuration",
		Long: `Change a key of the configuration. Nothing in progress is disturbed:
neco-updater and neco-worker use the new value for what they start next.

Secrets are never given as VALUE, where everybody on the host could read them:
they are taken from their environment variable, or from standard input. A URL
with a password is a secret too: give - as VALUE, and it is read from standard
input.` + "\n\n" + keysHelp(),
		Args:              between(1, 2),
		ValidArgsFunction: completeKeys(true),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := findKey(args[0])
			if err != nil {
				return err
			}
			value, err := configValue(cmd, env, k, args[1:])
			if err != nil {
				return err
			}
			stored, err := k.Parse(value)
			if err != nil {
				return hint(err, "nothing was changed")
			}
			shown, err := k.Format(stored)
			if err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				act := env.act(storage.KindConfig, "%s", confirmation(k, shown))
				if err := s.PutConfig(ctx, k, value, act); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), confirmation(k, shown))
				return nil
			})
		},
	}
}

// confirmation returns the text that k was set to value. It omits the value if k is
// secret.
func confirmation(k storage.ConfigKey, value string) string {
	if k.Secret {
		return k.Name + " is set"
	}
	return fmt.Sprintf("%s is set to %s", k.Name, shortLines(k.Show(value)))
}

// keysHelp returns the configuration keys as text for the help of neco config set.
func keysHelp() string {
	var b strings.Builder
	b.WriteString("Keys:\n")
	for _, k := range storage.ConfigKeys() {
		from := ""
		if k.Secret {
			from = "; secret, $" + k.Env
		}
		fmt.Fprintf(&b, "  %s\n", k.Name)
		for _, line := range status.Wrap(fmt.Sprintf("%s (%s%s)", k.Help, k.Value, from), status.Width-6) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// configValue returns the value to store for k: the argument or, for a secret, the
// environment variable or standard input. It returns an error if a secret is given as
// an argument.
func configValue(cmd *cobra.Command, env *Env, k storage.ConfigKey, args []string) (string, error) {
	switch {
	case !k.Secret && len(args) == 1 && args[0] == "-":
		return readSecretValue(cmd, k)
	case !k.Secret && len(args) == 1 && k.CheckArgument(args[0]) != nil:
		return "", hint(k.CheckArgument(args[0]),
			"neco config set %s - reads it from standard input; consider the password that you typed as known", k.Name)
	case !k.Secret && len(args) == 1:
		return args[0], nil
	case !k.Secret:
		return "", hint(fmt.Errorf("%s: the value is missing", k.Name), "it takes %s", k.Value)
	case len(args) == 1:
		return "", hint(k.CheckArgument(args[0]),
			"set $%s or write it to standard input; consider the value that you typed as known", k.Env)
	}
	if v := env.Getenv(k.Env); v != "" {
		return v, nil
	}
	return readSecretValue(cmd, k)
}

// readSecretValue reads the value of k from standard input.
func readSecretValue(cmd *cobra.Command, k storage.ConfigKey) (string, error) {
	how := "write it to standard input"
	if k.Env != "" {
		how = "set $" + k.Env + " or " + how
	}
	return readSecret(cmd, k.Name, k.Value, how)
}
