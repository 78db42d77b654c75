package necotest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Setup is one neco setup that runs on a server.
type Setup struct {
	Server string

	cmd  *exec.Cmd
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
	done chan struct{}
	err  error
}

// Write takes what setup says.
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

// Text is all that setup has said so far.
func (s *Setup) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// StartSetup starts neco setup on a server.
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

// Says waits until setup has said something.
func (s *Setup) Says(ctx context.Context, pattern *regexp.Regexp) error {
	for !pattern.MatchString(s.Text()) {
		select {
		case <-s.grew:
		case <-s.done:
			if pattern.MatchString(s.Text()) {
				return nil
			}
			return fmt.Errorf("setup on %s has ended without %s: %v\n%s", s.Server, pattern, s.err, s.Text())
		case <-ctx.Done():
			return fmt.Errorf("setup on %s does not say %s: %w\n%s", s.Server, pattern, context.Cause(ctx), s.Text())
		}
	}
	return nil
}

// Wait blocks until setup has ended.
func (s *Setup) Wait(ctx context.Context) error {
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("setup on %s does not end: %w\n%s", s.Server, context.Cause(ctx), s.Text())
	}
	if s.err != nil {
		return fmt.Errorf("setup on %s: %w\n%s", s.Server, s.err, s.Text())
	}
	return nil
}

// Stages are the times that setup says each stage took there.
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

// SetUp runs neco setup on the servers, all at once, to the end.
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

// WaitAll blocks until all of them have ended, or one has failed: others may wait
// for it then.  The error has what each of them has said.
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

// LRNs are arguments.
func LRNs(lrns []int) []string {
	var args []string
	for _, n := range lrns {
		args = append(args, strconv.Itoa(n))
	}
	return args
}

// KillSetup ends neco setup on a server at once, if it runs there.
func (l *Lab) KillSetup(ctx context.Context, server string) error {
	_, err := l.Exec(ctx, server, "sh", "-c", "pkill -KILL -x neco || true")
	return err
}

// Password is Vault's first user's, as the leader's setup said it.
func (s *Setup) Password() string {
	m := regexp.MustCompile(`shown this once: (\S+)`).FindStringSubmatch(s.Text())
	if m == nil {
		return ""
	}
	return strings.TrimSpace(m[1])
}
