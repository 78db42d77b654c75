package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// setupTokenFile is the default file of the setup token.
const setupTokenFile = "/etc/neco/setup-token"

func newSetupTokenCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "setup-token [FILE]",
		Short: "Make the secret that boot servers need for neco setup",
		Long: `Write a new setup token to FILE, ` + setupTokenFile + ` by default, that only
root can read. Copy the file to the same place on the other boot servers, over
an encrypted connection; neco setup removes it when it has completed.

With - as FILE the token is printed.`,
		Args: between(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			token := meet.NewToken()
			name := env.FS.Path(setupTokenFile)
			if len(args) == 1 {
				name = args[0]
			}
			if name == "-" {
				fmt.Fprintln(cmd.OutOrStdout(), token.Reveal())
				return nil
			}
			if _, err := env.FS.Stat(neco.NecoConfFile); err == nil && len(args) == 0 {
				return hint(errors.New("this boot server is set up already"), "neco join-token makes tokens for more servers")
			}
			if len(args) == 0 {
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					return err
				}
			}
			if err := writeNew(name, token.Reveal()+"\n"); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is written; copy it to the other boot servers\n", name)
			return nil
		},
	}
}

// writeNew writes text to a new file that only its owner can read. It returns an error if
// the file exists.
func writeNew(name, text string) error {
	if fi, err := os.Stat(name); err == nil && fi.IsDir() {
		return hint(fmt.Errorf("%s is a directory", name), "name a file in it")
	}
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return hint(err, "use the token that is there, or remove the file on all boot servers first")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return hint(err, "make the directory first: mkdir -p %s", filepath.Dir(name))
	}
	if errors.Is(err, fs.ErrPermission) {
		return hint(err, "try again with sudo")
	}
	if err != nil {
		return err
	}
	if _, err := w.WriteString(text); err != nil {
		return errors.Join(err, w.Close())
	}
	if err := w.Sync(); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}
