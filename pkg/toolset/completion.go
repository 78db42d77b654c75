package toolset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/errtext"
)

// completionTimeout is the time limit of a program that prints a completion.
const completionTimeout = time.Minute

// Completion is the command of a program that prints its completion for a shell.
type Completion struct {
	// Shells are the shells that the program supports: bash, zsh, fish.
	Shells []string `yaml:"shells"`
	// Args are the arguments of the program. $SHELL is the shell.
	Args []string `yaml:"args"`
}

// completionFile returns the path in the package of a command's completion for a shell, or "" if
// the shell is unknown.
func completionFile(shell, command string) string {
	switch shell {
	case "bash":
		return "/usr/share/bash-completion/completions/" + command
	case "zsh":
		return "/usr/share/zsh/vendor-completions/_" + command
	case "fish":
		return "/usr/share/fish/vendor_completions.d/" + command + ".fish"
	}
	return ""
}

// checkCompletion checks the field Completion.
func (t Tool) checkCompletion() error {
	for program, c := range t.Completion {
		if _, ok := t.Install[program]; !ok {
			return fmt.Errorf("completion: %q is not in install", program)
		}
		if len(c.Shells) == 0 {
			return fmt.Errorf("completion: %s: shells is missing: bash, zsh, fish", program)
		}
		for _, shell := range c.Shells {
			if completionFile(shell, "") == "" {
				return fmt.Errorf("completion: %s: there are no completions for the shell %q, only for bash, zsh and fish", program, shell)
			}
		}
		if !slices.ContainsFunc(c.Args, func(a string) bool { return strings.Contains(a, "$SHELL") }) {
			return fmt.Errorf("completion: %s: args must contain $SHELL", program)
		}
	}
	return nil
}

// installCompletions writes the completions of t, whose programs are in Out. It runs them, so
// they must be programs for this computer.
func (s stager) installCompletions(ctx context.Context, t Tool) error {
	for program, c := range t.Completion {
		command := t.command(program)
		file, err := filepath.Abs(filepath.Join(s.opts.Out, t.Install[program][0]))
		if err != nil {
			return err
		}
		for _, shell := range c.Shells {
			var args []string
			for _, a := range c.Args {
				args = append(args, strings.ReplaceAll(a, "$SHELL", shell))
			}
			text, err := printed(ctx, file, append([]string{command}, args...))
			if err != nil {
				return fmt.Errorf("the completion for %s: %s %s: %w", shell, command, strings.Join(args, " "), err)
			}
			dst := filepath.Join(s.opts.Out, completionFile(shell, command))
			if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(dst, text, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// printed runs the program in file and returns its output. args begins with the name of the
// program. The program gets an empty home directory and no other variable of the environment, so
// that the output is the same on each computer.
func printed(ctx context.Context, file string, args []string) ([]byte, error) {
	home, err := os.MkdirTemp("", "neco-completion-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	ctx, cancel := context.WithTimeoutCause(ctx, completionTimeout, fmt.Errorf("not finished after %s", completionTimeout))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, file)
	cmd.Args, cmd.Dir = args, home
	cmd.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("%w: %s", err, errtext.LastLines(stderr.String()))
	}
	if stdout.Len() == 0 {
		return nil, errors.New("the program prints nothing")
	}
	return stdout.Bytes(), nil
}
