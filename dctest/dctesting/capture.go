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

// captureTimeout bounds the start and the end of one tcpdump.
const captureTimeout = 20 * time.Second

// Capture is a recording of packets.
type Capture struct {
	// Files are what is recorded into, one a node.
	Files []string

	dumps []*dump
}

// Capture records into dir, in full length, whatever passes any switch, and so
// every link, until Stop.  It returns when all of it is recorded.  Each packet is
// there once for each switch interface that it has passed.  tcpdump must be
// installed on this machine.
func (d *DC) Capture(ctx context.Context, dir string) (*Capture, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Capture{}
	for _, n := range d.Plan.Nodes {
		if n.Kind.Server() {
			continue // its links end at switches
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

// Stop ends the recording; the files are complete then.
func (c *Capture) Stop() error {
	var errs []error
	for _, d := range c.dumps {
		errs = append(errs, d.stop())
	}
	c.dumps = nil
	return errors.Join(errs...)
}

// dump is one tcpdump.  One goroutine reads what it says, and ends with it.
type dump struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex
	words bytes.Buffer
}

// startDump returns when tcpdump listens, which it says.
func startDump(cmd *exec.Cmd) (*dump, error) {
	d := &dump{cmd: cmd, ended: make(chan struct{})}
	words, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	listens := make(chan struct{})
	go func() {
		defer close(d.ended)
		for lines := bufio.NewScanner(words); lines.Scan(); {
			d.mu.Lock()
			fmt.Fprintln(&d.words, lines.Text())
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
		err = errors.New("tcpdump has ended")
	case <-time.After(captureTimeout):
		err = errors.New("tcpdump does not listen")
	}
	return nil, errors.Join(fmt.Errorf("%w: %s", err, d.said()), d.stop())
}

func (d *dump) said() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.TrimSpace(d.words.String())
}

// stop lets tcpdump write what it has.
func (d *dump) stop() error {
	_ = d.cmd.Process.Signal(syscall.SIGINT) // it may have ended
	select {
	case <-d.ended:
	case <-time.After(captureTimeout):
		_ = d.cmd.Process.Kill()
		<-d.ended
	}
	if err := d.cmd.Wait(); err != nil {
		return fmt.Errorf("tcpdump: %w: %s", err, d.said())
	}
	return nil
}
