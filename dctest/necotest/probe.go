package necotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"
)

// Probe asks a service again and again, on a server.
type Probe struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   bytes.Buffer
	errs  bytes.Buffer
}

// Gaps is what a probe found.
type Gaps struct {
	Answers int           `json:"answers"`
	Longest time.Duration `json:"longest"`
	// Worst is how many members of etcd were down at once at most.
	Worst int `json:"worst"`
}

// BuildProbe builds the program and puts it on a server.
func (l *Lab) BuildProbe(ctx context.Context, server string) error {
	file := filepath.Join(l.root, "build", "dctest-probe")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", file, "./dctest/probe")
	cmd.Dir, cmd.Env = l.root, append(cmd.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the probe: %w: %s", err, out)
	}
	return l.Copy(ctx, server, file, "/root/probe")
}

// StartProbe starts to probe etcd or vault from a server.
func (l *Lab) StartProbe(ctx context.Context, server, service string) (*Probe, error) {
	cmd, err := l.Command(ctx, server, "/root/probe", service)
	if err != nil {
		return nil, err
	}
	p := &Probe{cmd: cmd}
	cmd.Stdout, cmd.Stderr = &p.out, &p.errs
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, cmd.Start()
}

// Stop ends the probe and returns what it found.
func (p *Probe) Stop() (Gaps, error) {
	var g Gaps
	_ = p.stdin.Close() // it ends with its input
	if err := p.cmd.Wait(); err != nil {
		return g, fmt.Errorf("probe: %w: %s", err, p.errs.String())
	}
	err := json.Unmarshal(p.out.Bytes(), &g)
	return g, err
}
