package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/storage"
)

// bmcSetting is a key of neco bmc config.
type bmcSetting struct {
	name, key, help string
	// secret reports whether the value is never shown and never an argument.
	secret bool
}

// bmcSettings returns all keys of neco bmc config.
func bmcSettings() []bmcSetting {
	return []bmcSetting{
		{"ipmi-user", storage.KeyIPMIUser, "user with which Neco switches the power", false},
		{"ipmi-password", storage.KeyIPMIPassword, "its password", true},
		{"bmc-user", storage.KeyBMCUser, "JSON with the users that setup-hw makes in each BMC", true},
	}
}

func newBMCCmd(env *Env) *cobra.Command {
	cmd := group("bmc", "Configure how the BMCs of machines are used")
	config := group("config", "Show and change the users of BMCs")
	config.AddCommand(newBMCConfigGetCmd(env), newBMCConfigSetCmd(env))
	cmd.AddCommand(config)
	return cmd
}

// findBMCSetting returns the key of neco bmc config called name.
func findBMCSetting(name string) (bmcSetting, error) {
	var names []string
	for _, s := range bmcSettings() {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return bmcSetting{}, hint(fmt.Errorf("unknown key %q", name), "the keys are %s", strings.Join(names, ", "))
}

// bmcKeysHelp returns the keys for the help of a command.
func bmcKeysHelp() string {
	text := "Keys:\n"
	for _, s := range bmcSettings() {
		text += fmt.Sprintf("  %-14s %s\n", s.name, s.help)
	}
	return strings.TrimSuffix(text, "\n")
}

func completeBMCKeys(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, s := range bmcSettings() {
		names = append(names, s.name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newBMCConfigGetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:               "get KEY",
		Short:             "Print a user of BMCs, or whether a password is set",
		Long:              "Print a user of BMCs. Of a secret, only print that it is set.\n\n" + bmcKeysHelp(),
		Args:              exactly(1),
		ValidArgsFunction: completeBMCKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			setting, err := findBMCSetting(args[0])
			if err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				all, err := s.BMCSettings(ctx)
				if err != nil {
					return err
				}
				value := map[string]string{storage.KeyIPMIUser: all.User, storage.KeyIPMIPassword: all.Password, storage.KeyBMCUser: all.Users}[setting.key]
				switch {
				case value == "":
					return notSet(setting)
				case setting.secret:
					value = setting.name + " is set"
				}
				fmt.Fprintln(cmd.OutOrStdout(), value)
				return nil
			})
		},
	}
}

// notSet returns the error that a key has no value.
func notSet(s bmcSetting) error {
	return hint(fmt.Errorf("%s: not set", s.name), "set it with neco bmc config set %s", s.name)
}

func newBMCConfigSetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY [NAME|FILE]",
		Short: "Change a user of BMCs",
		Long: `Change a user of BMCs. ipmi-user takes a name. The others are secrets, and
are read from FILE or from standard input. bmc-user is also uploaded to the
sabakan of this boot server, from which nodes get it.` + "\n\n" + bmcKeysHelp(),
		Args:              between(1, 2),
		ValidArgsFunction: completeBMCKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			setting, err := findBMCSetting(args[0])
			if err != nil {
				return err
			}
			value, err := bmcValue(cmd, setting, args[1:])
			if err != nil {
				return err
			}
			err = env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				return s.PutBMCSetting(ctx, setting.key, value, env.act(storage.KindConfig, "bmc %s is set", setting.name))
			})
			if err != nil {
				return err
			}
			if setting.key == storage.KeyBMCUser {
				if err := uploadBMCUsers(cmd.Context(), env, value); err != nil {
					return hint(fmt.Errorf("%s is set, but not uploaded to sabakan: %w", setting.name, err), "run the command again when sabakan answers")
				}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is set\n", setting.name)
			return nil
		},
	}
}

// bmcValue returns the value for a key from the arguments after it.
func bmcValue(cmd *cobra.Command, s bmcSetting, args []string) (string, error) {
	var value string
	var err error
	switch {
	case !s.secret && len(args) == 0:
		return "", hint(fmt.Errorf("%s: the name is missing", s.name), "neco bmc config set %s NAME", s.name)
	case !s.secret:
		return args[0], nil
	case len(args) == 0 || args[0] == "-":
		value, err = readSecret(cmd, s.name, s.help, "write it to standard input, or give a file")
	default:
		value, err = secretFile(s.name, args[0])
	}
	if err == nil && s.key == storage.KeyBMCUser {
		if err = storage.CheckBMCUsers(value); err != nil {
			err = hint(fmt.Errorf("%s: %w", s.name, err), "nothing was changed")
		}
	}
	return value, err
}

// secretFile reads a secret from a file. The error does not contain the argument, which may be
// the secret itself.
func secretFile(name, file string) (string, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", hint(fmt.Errorf("%s: the argument is not the name of a file", name),
			"write a secret to standard input or to a file; if the argument was the secret, consider it as known")
	}
	if err != nil {
		return "", unreadable(name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	value := strings.TrimSpace(string(data))
	switch {
	case err != nil:
		return "", unreadable(name, err)
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s: the file is too long", name)
	case value == "":
		return "", fmt.Errorf("%s: the file is empty", name)
	}
	return value, nil
}

// unreadable returns err, an error of the file of a secret, without the name of the file.
func unreadable(name string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return hint(fmt.Errorf("%s: the argument is not a file that can be read: %w", name, err), "if the argument was the secret, consider it as known")
}

// uploadBMCUsers gives the users of BMCs to sabakan.
func uploadBMCUsers(ctx context.Context, env *Env, users string) error {
	c := sabakan.New(env.Sabakan)
	defer c.Close()
	return c.PutAsset(ctx, contents.BMCUsers, sabakan.Content{
		Size: int64(len(users)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(users)), nil },
	})
}
