package necotest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
)

// Program is a running program of dctest/ on a server. It ends when its standard input is
// closed.
type Program struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   bytes.Buffer
	errs  bytes.Buffer
}

// Build builds the program dctest/<name> and copies it to a server.
func (l *Lab) Build(ctx context.Context, name, server string) error {
	file := filepath.Join(l.root, "build", "dctest-"+name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "./dctest/"+name)
	cmd.Dir, cmd.Env = l.root, append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", name, err, out)
	}
	return l.Copy(ctx, server, file, "/root/"+name)
}

// StartProgram starts a program that Build has copied to the server.
func (l *Lab) StartProgram(ctx context.Context, server, name string, args ...string) (*Program, error) {
	cmd, err := l.Command(ctx, server, "/root/"+name, args...)
	if err != nil {
		return nil, err
	}
	p := &Program{name: name, cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.out, &p.errs
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, cmd.Start()
}

// Stop ends the program and returns its standard output.
func (p *Program) Stop() (string, error) {
	_ = p.stdin.Close() // the program exits at the end of its input
	if err := p.cmd.Wait(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", p.name, err, p.errs.String())
	}
	return p.out.String(), nil
}
