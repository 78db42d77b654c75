// Package sabakan runs the program that imitates sabakan, for the sandbox and for tests.
//
// It owns the files of that program and its start. It must not know how the program is
// built, nor what sabakan contains.
package sabakan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	// startTimeout is how long the program may take to answer after its start.
	startTimeout = time.Minute
	// pause is the time between two questions whether it answers.
	pause = 20 * time.Millisecond
)

// Server is a running sabakan.
type Server struct {
	// URL is the address of its API.
	URL string

	kill  context.CancelFunc
	ended chan struct{}
	err   error // the result of the program, when ended is closed
}

// Start starts the program binary on a free port of 127.0.0.1, with its configuration and
// its data in dir, and with its output in out. The program ends with ctx, with this process,
// or by Close.
func Start(ctx context.Context, binary, dir string, out io.Writer) (*Server, error) {
	addresses, err := loopback.FreeAddresses(1)
	if err != nil {
		return nil, err
	}
	ctx, kill := context.WithCancel(ctx)
	s := &Server{URL: "http://" + addresses[0], kill: kill, ended: make(chan struct{})}
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "config.yml")
	config := fmt.Sprintf("http: %s\ndata-dir: %s\nadvertise-url: %s\n", addresses[0], data, s.URL)
	cmd := exec.CommandContext(ctx, binary, "-config-file", file)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if this process is killed
	err = errors.Join(os.MkdirAll(data, 0o755), os.WriteFile(file, []byte(config), 0o600))
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		kill()
		return nil, fmt.Errorf("start sabakan: %w", err)
	}
	go func() {
		defer close(s.ended)
		s.err = cmd.Wait()
	}()
	return s, nil
}

// Ready blocks until s answers. It returns an error if s ends, if it does not answer within
// a minute, or when ctx ends.
func (s *Server) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("sabakan does not answer within %s", startTimeout))
	defer cancel()
	c := sabakan.New(s.URL)
	defer c.Close()
	return retry.Do(ctx, backoff.NewConstantBackOff(pause), nil, func() error {
		select {
		case <-s.ended:
			return backoff.Permanent(fmt.Errorf("sabakan has ended: %w", s.err))
		default:
			return c.Health(ctx)
		}
	})
}

// Wait blocks until s has ended, and returns the error of its program.
func (s *Server) Wait() error {
	<-s.ended
	return s.err
}

// Close kills s and blocks until it has ended. It may be called again.
func (s *Server) Close() {
	s.kill()
	<-s.ended
}
