package placemat

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// noteDocker notes which Docker daemon has the servers: the one that DOCKER_HOST
// names now, whatever it names later.
func (c *Centre) noteDocker() error {
	return os.WriteFile(c.path("docker-host"), []byte(os.Getenv("DOCKER_HOST")), 0o644)
}

// dockerArgs are arguments of docker(1) that name the daemon of the servers.
func (c *Centre) dockerArgs(args ...string) []string {
	data, err := os.ReadFile(c.path("docker-host"))
	if err != nil || len(data) == 0 {
		return args
	}
	return append([]string{"--host", string(data)}, args...)
}

// docker runs a command of Docker and returns what it wrote.
func (c *Centre) docker(ctx context.Context, args ...string) (string, error) {
	return c.dockerFor(ctx, commandTimeout, nil, args...)
}

// dockerFor is docker with a time limit and an input.
func (c *Centre) dockerFor(ctx context.Context, limit time.Duration, stdin io.Reader, args ...string) (string, error) {
	return runFor(ctx, limit, stdin, "docker", c.dockerArgs(args...)...)
}

// execInside is a command within a server, which the caller starts.
func (c *Centre) execInside(ctx context.Context, server string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "docker", c.dockerArgs(append([]string{"exec", "-i", c.container(server)}, args...)...)...)
}
