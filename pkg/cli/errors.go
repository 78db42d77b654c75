package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/vault"
)

// Exit codes beyond 0 and 1.
const (
	// CodeError is what is-running returns when it cannot tell.
	CodeError = 2
	// CodeRunning is that of status --wait when the update still runs.
	CodeRunning = 3
	// CodeStopped is that of status --wait when the update was stopped.
	CodeStopped = 4
)

// ExitError ends the program with a code. Err may be nil: then nothing is
// printed, because everything was said already.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprint("exit ", e.Code)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Hint is an error together with what the operator can do about it.
type Hint struct {
	Err  error
	Text string
}

func (h *Hint) Error() string { return h.Err.Error() }
func (h *Hint) Unwrap() error { return h.Err }

// hint adds what to do next to err; nil stays nil.
func hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Hint{err, fmt.Sprintf(format, args...)}
}

// report prints err with its hint and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code, say := 1, err
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		code, say = exit.Code, exit.Err
	}
	if say == nil {
		return code
	}
	fmt.Fprintf(w, "Error: %s\n", printable.Line(vault.Text(say)))
	if h := (*Hint)(nil); errors.As(say, &h) {
		fmt.Fprintf(w, "Hint: %s\n", printable.Line(h.Text))
	} else if text := vaultHint(say); text != "" {
		fmt.Fprintf(w, "Hint: %s\n", text)
	}
	return code
}

// vaultHint is what can be done where Vault has refused.
func vaultHint(err error) string {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return ""
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return "the token has expired, or has not the right policy; unset VAULT_TOKEN to be asked for a user and a password, or set another one"
	case http.StatusBadRequest:
		return "the name or the password may be wrong"
	case http.StatusServiceUnavailable:
		return "Vault is sealed: neco vault unseal"
	}
	return ""
}
