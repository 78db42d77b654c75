package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/manpage"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/setup"
)

// Exit codes other than 0 and 1; see [ExitCodes].
const (
	// CodeError is the exit code of neco is-running for an error, because 1 means "not
	// running".
	CodeError    = 2
	CodeRunning  = 3
	CodeStopped  = 4
	CodeDegraded = 5
)

// ExitCode is an exit code that reports the state of a data centre, together with its
// meaning.
type ExitCode struct {
	Code    int
	Meaning string
}

// ExitCodes returns the exit codes of neco status --wait and neco status --exit-code.
func ExitCodes() []ExitCode {
	return []ExitCode{
		{0, "healthy; with --wait: the update is complete, and no other one is due"},
		{1, "an error: the state is unknown"},
		{CodeRunning, "an update is running or due; with --wait: it is not over after --timeout"},
		{CodeStopped, "the update has aborted, was stopped, took too long, or cannot be read"},
		{CodeDegraded, "degraded: status names the problems (--exit-code only)"},
	}
}

// exitCodeHelp returns the exit codes of neco status as text for its help.
func exitCodeHelp() string {
	var b strings.Builder
	for _, c := range ExitCodes() {
		fmt.Fprintf(&b, "  %d  %s\n", c.Code, c.Meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// exitStatus is the text about exit codes for the commands that have no exit codes of
// their own.
const exitStatus = "  0  success\n  1  an error, described on standard error"

// addExitStatus appends text, which describes exit codes, to the help of cmd. In the
// man page the text has a section of its own.
func addExitStatus(cmd *cobra.Command, text string) {
	cmd.Long += "\n\n" + text
	cmd.Annotations = map[string]string{manpage.ExitStatus: text}
}

// ExitError makes the program end with the exit code Code. If Err is nil, the program
// prints nothing.
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

// Hint is an error with a text that tells the operator what to do.
type Hint struct {
	Err  error
	Text string
}

func (h *Hint) Error() string { return h.Err.Error() }
func (h *Hint) Unwrap() error { return h.Err }

// hint adds a text to err that tells the operator what to do. It returns nil if err is
// nil.
func hint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Hint{err, fmt.Sprintf(format, args...)}
}

// report prints err and its hint to w, and returns the exit code.
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
	if found := (setup.Problems)(nil); errors.As(say, &found) {
		fmt.Fprintln(w, "Error: this server is not ready:")
		for _, problem := range found {
			fmt.Fprintf(w, "  %s\n", printable.Line(errtext.Of(problem)))
		}
	} else {
		fmt.Fprintf(w, "Error: %s\n", printable.Line(errtext.Of(say)))
	}
	if h := (*Hint)(nil); errors.As(say, &h) {
		fmt.Fprintf(w, "Hint: %s\n", printable.Line(h.Text))
	} else if text := cmp.Or(vaultHint(say), ckecliHint(say), fileHint(say)); text != "" {
		fmt.Fprintf(w, "Hint: %s\n", text)
	}
	return code
}

// fileHint returns the hint for an error of the file system, or "" for other errors.
func fileHint(err error) string {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
		return ""
	case errors.Is(err, fs.ErrPermission):
		return "try again with sudo"
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(path.Path, neco.NecoDir+"/"):
		return "is this a boot server? neco setup and neco join create the files in " + neco.NecoDir
	case errors.Is(err, fs.ErrNotExist):
		return "check the name of the file"
	}
	return ""
}

// ckecliHint returns the hint for the error that ckecli is not installed, or "" for other
// errors.
func ckecliHint(err error) string {
	if errors.Is(err, cke.ErrMissing) {
		return "with TAG of the installed CKE, run: " + cke.Install
	}
	return ""
}

// vaultHint returns the hint for an error response of Vault, or "" for other errors.
func vaultHint(err error) string {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return ""
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return "the token has expired or lacks the required policy; set another VAULT_TOKEN, or unset it to log in interactively"
	case http.StatusBadRequest:
		return "the name or the password may be wrong"
	case http.StatusServiceUnavailable:
		return "Vault is sealed: neco vault unseal"
	}
	return ""
}
