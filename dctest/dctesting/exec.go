package dctesting

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// Exec runs a command on a node as root until it exits or ctx ends, and returns its
// standard output. The error contains the command's standard error and may wrap an
// *exec.ExitError. After the end of ctx, a command on a server may continue to run there.
func (d *DC) Exec(ctx context.Context, node, name string, args ...string) (string, error) {
	return d.ExecWith(ctx, nil, node, name, args...)
}

// ExecWith is Exec with a standard input. Other users of the server cannot see that
// input, unlike arguments.
func (d *DC) ExecWith(ctx context.Context, stdin io.Reader, node, name string, args ...string) (string, error) {
	cmd, err := d.Command(ctx, node, name, args...)
	if err != nil {
		return "", err
	}
	out, err := output(cmd, stdin)
	if err != nil {
		return out, fmt.Errorf("%s on %s: %w", strings.Join(append([]string{name}, args...), " "), node, err)
	}
	return out, nil
}

// ExecInNetwork runs a program of this machine in the network namespace of a node, and
// returns its standard output.
func (d *DC) ExecInNetwork(ctx context.Context, node, name string, args ...string) (string, error) {
	cmd, err := d.NetworkCommand(ctx, node, name, args...)
	if err != nil {
		return "", err
	}
	out, err := output(cmd, nil)
	if err != nil {
		return out, fmt.Errorf("%s in the network of %s: %w", strings.Join(append([]string{name}, args...), " "), node, err)
	}
	return out, nil
}

func output(cmd *exec.Cmd, stdin io.Reader) (string, error) {
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}

// Copy copies the file from on this machine to the path to on a server, with its
// permissions. It replaces an existing file atomically.
func (d *DC) Copy(ctx context.Context, server, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return d.Write(ctx, server, to, f, info.Mode().Perm())
}

// Write writes content to the path to on a server atomically. It creates the file's
// directory if needed.
func (d *DC) Write(ctx context.Context, server, to string, content io.Reader, mode fs.FileMode) error {
	const script = `set -e; umask 077; mkdir -p -m 0755 "$(dirname "$1")"; cat >"$1.new"; chmod "$2" "$1.new"; mv "$1.new" "$1"`
	_, err := d.ExecWith(ctx, content, server, "sh", "-c", script, "sh", to, fmt.Sprintf("%o", mode.Perm()))
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	return nil
}

// Read returns the contents of a file on a server.
func (d *DC) Read(ctx context.Context, server, name string) (string, error) {
	return d.Exec(ctx, server, "cat", "--", name)
}
