package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/cybozu-go/neco/pkg/vault"
)

// errNoTerminal is the error of a question that cannot be asked, because standard input
// is not a terminal.
var errNoTerminal = errors.New("standard input is not a terminal: the question cannot be asked")

// confirm asks the operator a question and reports whether the answer is "yes". It fails
// if standard input is not a terminal.
func confirm(cmd *cobra.Command, question string) (bool, error) {
	if !isTerminal(cmd.InOrStdin()) {
		return false, errNoTerminal
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s (yes/no) ", question)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	return strings.TrimSpace(line) == "yes", err
}

// operatorLogin returns a function that logs a client in to Vault: with the token in
// VAULT_TOKEN or, without that, with a user name and a password for which it asks the
// operator.
func operatorLogin(cmd *cobra.Command, env *Env) func(*api.Client) error {
	return func(c *api.Client) error {
		if token := env.Getenv("VAULT_TOKEN"); token != "" {
			c.SetToken(token)
			return nil
		}
		in, ok := cmd.InOrStdin().(*os.File)
		if !ok || !isTerminal(in) {
			return hint(errNoTerminal, "set VAULT_TOKEN")
		}
		fmt.Fprint(cmd.ErrOrStderr(), "Vault username: ")
		user, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			return fmt.Errorf("read username: %w", err)
		}
		fmt.Fprint(cmd.ErrOrStderr(), "Vault password: ")
		password, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return fmt.Errorf("read password: %w", err)
		}
		return vault.LoginUser(cmd.Context(), c, strings.TrimSpace(user), string(password))
	}
}

// maxSecret is the maximum size in bytes of a secret on standard input; a longer one is
// an error.
const maxSecret = 4096

// readSecret reads a secret from standard input. On a terminal, it prompts with name
// and what, and reads one line without echo. how is the hint for the error if the value
// is missing.
func readSecret(cmd *cobra.Command, name, what, how string) (string, error) {
	in := cmd.InOrStdin()
	var data []byte
	var err error
	if isTerminal(in) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s (%s): ", name, what)
		data, err = term.ReadPassword(int(in.(*os.File).Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
	} else {
		data, err = io.ReadAll(io.LimitReader(in, maxSecret+1))
	}
	if err == nil && len(data) > maxSecret {
		err = errors.New("too long")
	}
	if err != nil {
		return "", fmt.Errorf("read %s from standard input: %w", name, err)
	}
	value := strings.TrimSpace(string(data))
	if value == "" {
		return "", hint(fmt.Errorf("%s: the value is missing", name), "%s", how)
	}
	return value, nil
}
