package placemat

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// noteDocker records the current value of DOCKER_HOST. The Docker daemon that it names is
// used until Down, even if the variable changes.
func (c *Centre) noteDocker() error {
	return os.WriteFile(c.path("docker-host"), []byte(os.Getenv("DOCKER_HOST")), 0o644)
}

// dockerArgs returns the arguments args of docker(1), preceded by the option that selects
// the recorded daemon.
func (c *Centre) dockerArgs(args ...string) []string {
	data, err := os.ReadFile(c.path("docker-host"))
	if err != nil || len(data) == 0 {
		return args
	}
	return append([]string{"--host", string(data)}, args...)
}

// docker runs docker(1) with the arguments args and returns its output.
func (c *Centre) docker(ctx context.Context, args ...string) (string, error) {
	return c.dockerFor(ctx, commandTimeout, nil, args...)
}

// dockerFor runs docker(1) like docker, but for at most limit and with the standard input
// stdin.
func (c *Centre) dockerFor(ctx context.Context, limit time.Duration, stdin io.Reader, args ...string) (string, error) {
	return runFor(ctx, limit, stdin, "docker", c.dockerArgs(args...)...)
}

// execInside returns a command that runs inside a server. The caller starts it.
func (c *Centre) execInside(ctx context.Context, server string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "docker", c.dockerArgs(append([]string{"exec", "-i", c.container(server)}, args...)...)...)
}
