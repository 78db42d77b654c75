package necotest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Setup is a run of neco setup on a server.
type Setup struct {
	Server string

	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
	done chan struct{}
	err  error
}

// Write records output of neco setup.
func (s *Setup) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Write(p)
	select {
	case s.grew <- struct{}{}:
	default:
	}
	return len(p), nil
}

// Text returns the output of neco setup so far.
func (s *Setup) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// StartSetup starts neco setup on the boot server lrn.
func (l *Lab) StartSetup(ctx context.Context, lrn int, args ...string) (*Setup, error) {
	s := &Setup{Server: Server(lrn), grew: make(chan struct{}, 1), done: make(chan struct{})}
	cmd, err := l.Command(ctx, s.Server, "neco", append([]string{"setup"}, args...)...)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr, s.cmd = s, s, cmd
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.done)
		s.err = cmd.Wait()
	}()
	return s, nil
}

// Says blocks until the output of neco setup matches pattern. It fails if neco setup ends
// before.
func (s *Setup) Says(ctx context.Context, pattern *regexp.Regexp) error {
	for !pattern.MatchString(s.Text()) {
		select {
		case <-s.grew:
		case <-s.done:
			if pattern.MatchString(s.Text()) {
				return nil
			}
			return fmt.Errorf("setup on %s exited without printing %s: %v\n%s", s.Server, pattern, s.err, s.Text())
		case <-ctx.Done():
			return fmt.Errorf("setup on %s has not printed %s: %w\n%s", s.Server, pattern, context.Cause(ctx), s.Text())
		}
	}
	return nil
}

// Wait blocks until neco setup has exited, and fails if neco setup has failed.
func (s *Setup) Wait(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("setup on %s does not exit: %w\n%s", s.Server, context.Cause(ctx), s.Text())
	}
	if s.err != nil {
		return fmt.Errorf("setup on %s: %w\n%s", s.Server, s.err, s.Text())
	}
	return nil
}

// Stages returns how long each stage of neco setup took, as neco setup has printed.
func (s *Setup) Stages() map[string]time.Duration {
	took := map[string]time.Duration{}
	for _, m := range stageDone.FindAllStringSubmatch(s.Text(), -1) {
		if d, err := time.ParseDuration(m[2]); err == nil {
			took[m[1]] = d
		}
	}
	return took
}

var stageDone = regexp.MustCompile(`(?m)^\S+\s+(\S+)\s+done \((\S+)\)$`)

// SetUp runs neco setup on the servers at the same time, and waits until it has completed
// on all.
func (l *Lab) SetUp(ctx context.Context, lrns []int, flags ...string) ([]*Setup, error) {
	var all []*Setup
	for _, lrn := range lrns {
		s, err := l.StartSetup(ctx, lrn, append(append([]string{}, flags...), LRNs(lrns)...)...)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, WaitAll(ctx, all)
}

// FreshSetUp wipes the servers, installs the package deb on them, runs neco setup on all, and
// returns the password of Vault's user admin.
func (l *Lab) FreshSetUp(ctx context.Context, deb string, lrns []int, flags ...string) (password string, err error) {
	names := Servers(lrns...)
	if err := l.Fresh(ctx, deb, names...); err != nil {
		return "", err
	}
	if _, err := l.Tokens(ctx, names...); err != nil {
		return "", err
	}
	setups, err := l.SetUp(ctx, lrns, flags...)
	if err != nil {
		return "", err
	}
	for _, s := range setups {
		if p := s.Password(); p != "" {
			return p, nil
		}
	}
	return "", errors.New("no server has printed the password of Vault's user admin")
}

// WaitAll blocks until neco setup has exited on all servers or failed on one. After a
// failure it does not wait, because the others may be waiting for the failed one. The
// error includes the output on each server.
func WaitAll(ctx context.Context, all []*Setup) error {
	g, short := errgroup.WithContext(ctx)
	for _, s := range all {
		g.Go(func() error { return s.Wait(short) })
	}
	err := g.Wait()
	if err == nil {
		return nil
	}
	for _, s := range all {
		err = fmt.Errorf("%w\n--- %s:\n%s", err, s.Server, s.Text())
	}
	return err
}

// LRNs returns the numbers of boot servers as command line arguments.
func LRNs(lrns []int) []string {
	var args []string
	for _, n := range lrns {
		args = append(args, strconv.Itoa(n))
	}
	return args
}

// KillSetup kills neco setup on a server with SIGKILL, if it is running.
func (l *Lab) KillSetup(ctx context.Context, server string) error {
	_, err := l.Exec(ctx, server, "sh", "-c", "pkill -KILL -x neco || true")
	return err
}

// Password returns the password of Vault's first user, which neco setup prints on the
// leader, or "" if the output has none.
func (s *Setup) Password() string {
	m := regexp.MustCompile(`shown this once: (\S+)`).FindStringSubmatch(s.Text())
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}
