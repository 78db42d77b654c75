package dctesting

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// captureTimeout is how long to wait for a tcpdump to start before Capture fails, and for
// it to exit before Stop kills it.
const captureTimeout = 20 * time.Second

// Capture is a running recording of packets.
type Capture struct {
	// Files are the pcap files, one for each node that is not a server.
	Files []string

	dumps []*dump
}

// Capture records the packets at every node that is not a server, and thereby those on
// every link, into pcap files in dir until [Capture.Stop]. It returns when all
// recorders are running. A packet is recorded once for each interface of a recorded
// node that it passes. tcpdump must be installed on this machine.
func (d *DC) Capture(ctx context.Context, dir string) (*Capture, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Capture{}
	for _, n := range d.Plan.Nodes {
		if n.Kind.Server() {
			continue // the other end of each of its links is a switch
		}
		file := filepath.Join(dir, n.Name+".pcap")
		cmd, err := d.NetworkCommand(ctx, n.Name, "tcpdump", "-i", "any", "-n", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", file)
		if err != nil {
			return nil, errors.Join(err, c.Stop())
		}
		p, err := startDump(cmd)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("capture on %s: %w", n.Name, err), c.Stop())
		}
		c.dumps, c.Files = append(c.dumps, p), append(c.Files, file)
	}
	return c, nil
}

// Stop ends the recording. The files are complete when it returns.
func (c *Capture) Stop() error {
	var errs []error
	for _, d := range c.dumps {
		errs = append(errs, d.stop())
	}
	c.dumps = nil
	return errors.Join(errs...)
}

// dump is a running tcpdump. A goroutine reads its standard error until it exits.
type dump struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	logs bytes.Buffer
}

// startDump starts the tcpdump cmd and returns when it has reported that it is listening.
func startDump(cmd *exec.Cmd) (*dump, error) {
	d := &dump{cmd: cmd, ended: make(chan struct{})}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	listens := make(chan struct{})
	go func() {
		defer close(d.ended)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			d.mu.Lock()
			fmt.Fprintln(&d.logs, lines.Text())
			d.mu.Unlock()
			if strings.Contains(lines.Text(), "listening on") {
				close(listens)
			}
		}
	}()
	select {
	case <-listens:
		return d, nil
	case <-d.ended:
		err = errors.New("tcpdump has exited")
	case <-time.After(captureTimeout):
		err = fmt.Errorf("tcpdump does not listen after %s", captureTimeout)
	}
	return nil, errors.Join(fmt.Errorf("%w: %s", err, d.log()), d.stop())
}

func (d *dump) log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.TrimSpace(d.logs.String())
}

// stop ends tcpdump after it has written its buffers to the file.
func (d *dump) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGINT) // it may have exited
	select {
	case <-d.ended:
	case <-time.After(captureTimeout):
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("tcpdump: %w: %s", err, d.log())
	}
	return nil
}
