// Package dockercmd runs the docker command.
package dockercmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"

	"github.com/cybozu-go/neco/internal/errtext"
)

// Run runs docker with args and returns its standard output. It blocks until docker
// ends, and kills docker when ctx ends. An error wraps the error of os/exec and ends
// with the last lines of docker's standard error.
func Run(ctx context.Context, args ...string) ([]byte, error) {
	return RunWith(ctx, nil, args...)
}

// RunWith does the same as Run, with stdin as the standard input of docker.
func RunWith(ctx context.Context, stdin io.Reader, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("docker %s: %w: %s", args[0], err, errtext.LastLines(stderr.String()))
	}
	return stdout.Bytes(), nil
}
