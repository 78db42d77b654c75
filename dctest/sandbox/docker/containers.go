package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	// killTimeout is how long the command waits for a killed container to end before it
	// fails.
	killTimeout = 10 * time.Second
	// killPoll is the time between two checks whether a killed container has ended. They
	// are needed because the kernel sends no event when the child of another process
	// ends.
	killPoll = 20 * time.Millisecond
)

// ps implements "docker ps" for the formats that Neco uses.
func (c command) ps(args []string) error {
	format := "{{.ID}} {{.Image}} {{.Names}}"
	for i, arg := range args {
		value, found := strings.CutPrefix(arg, "--format=")
		if arg == "--format" && i+1 < len(args) {
			value, found = args[i+1], true
		}
		if found {
			format = value
		}
	}
	running, err := c.store.containers()
	for _, r := range running {
		fmt.Fprintln(c.stdout, strings.NewReplacer(
			"{{.Image}}", r.image, "{{.Names}}", r.name, "{{.ID}}", fmt.Sprintf("%064x", r.pid)).Replace(format))
	}
	return err
}

// kill kills a container and waits until it has ended.
func (c command) kill(ctx context.Context, name string) error {
	r, ok := c.store.container(name)
	if !ok {
		//lint:ignore ST1005 the text is docker's
		return fmt.Errorf("No such container: %s", name)
	}
	if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, killTimeout)
	defer cancel()
	tick := time.NewTicker(killPoll)
	defer tick.Stop()
	for {
		if _, ok := c.store.container(name); !ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("kill %s: the container has not ended: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func (c command) rm(name string) error {
	if _, ok := c.store.container(name); ok {
		return fmt.Errorf("cannot remove container %q: container is running", name)
	}
	if err := os.Remove(c.store.containerFile(name)); err != nil {
		//lint:ignore ST1005 the text is docker's
		return fmt.Errorf("No such container: %s", name)
	}
	return nil
}

// exec implements "docker exec [OPTIONS] NAME COMMAND...". In these containers every
// command succeeds without any effect.
func (c command) exec(args []string) error {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	if len(args) < 2 {
		return errUsage
	}
	if _, ok := c.store.container(args[0]); !ok {
		//lint:ignore ST1005 the text is docker's
		return fmt.Errorf("No such container: %s", args[0])
	}
	return nil
}
