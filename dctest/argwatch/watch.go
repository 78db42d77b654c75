package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// A process that has had no new argument in the last newRounds rounds is read only in every
// idleRounds-th round: it calls execve rarely, if ever.
const (
	newRounds  = 25
	idleRounds = 2
)

// watch is a recording of the arguments of processes.
type watch struct {
	// seen is the set of the arguments.
	seen map[string]struct{}
	// running are the processes of the last round by PID.
	running map[string]*process
	rounds  int
	buf     []byte
}

// process is a process whose file /proc/PID/cmdline is open. A read of the file returns the
// current arguments, even after execve, and fails after the end of the process, even if
// another process has the same PID then. One read needs less processor time than open, read
// and close.
type process struct {
	fd int
	// round is the last round in which the process was running.
	round int
	// idle is the number of rounds without a new argument.
	idle int
}

func newWatch() *watch {
	return &watch{seen: map[string]struct{}{}, running: map[string]*process{}, buf: make([]byte, 64<<10)}
}

// close closes all files.
func (w *watch) close() {
	for pid := range w.running {
		w.forget(pid)
	}
}

// round adds the arguments of the running processes.
func (w *watch) round() error {
	pids, err := processes()
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := w.visit(pid); err != nil {
			return fmt.Errorf("arguments of process %s: %w", pid, err)
		}
	}
	for pid, p := range w.running {
		if p.round != w.rounds {
			w.forget(pid)
		}
	}
	w.rounds++
	return nil
}

// processes returns the PIDs of all processes.
func processes() ([]string, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(names, func(name string) bool { return name[0] < '0' || name[0] > '9' }), nil
}

// visit adds the arguments of the process pid, unless the process has exited or is idle.
func (w *watch) visit(pid string) error {
	p := w.running[pid]
	if p != nil {
		p.round = w.rounds
		if p.idle >= newRounds && w.rounds%idleRounds != 0 {
			return nil
		}
		if err := w.read(p); err == nil {
			return nil
		}
		w.forget(pid) // pid may be another process now
	}
	fd, err := unix.Open("/proc/"+pid+"/cmdline", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		p = &process{fd: fd, round: w.rounds}
		w.running[pid] = p
		err = w.read(p)
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return nil // the process has exited
	}
	return err
}

// read adds the arguments of a process.
func (w *watch) read(p *process) error {
	for {
		n, err := unix.Pread(p.fd, w.buf, 0)
		if err != nil {
			return err
		}
		if n < len(w.buf) {
			p.idle++
			if w.add(w.buf[:n]) {
				p.idle = 0
			}
			return nil
		}
		w.buf = make([]byte, 2*len(w.buf))
	}
}

// forget closes the file of the process pid.
func (w *watch) forget(pid string) {
	unix.Close(w.running[pid].fd)
	delete(w.running, pid)
}

// add adds the arguments in line, each of which ends with a null byte, and reports whether
// one of them is new.
func (w *watch) add(line []byte) (found bool) {
	for arg := range bytes.SplitSeq(bytes.TrimSuffix(line, []byte{0}), []byte{0}) {
		if _, known := w.seen[string(arg)]; !known {
			w.seen[string(arg)] = struct{}{}
			found = true
		}
	}
	return found
}

// print prints the arguments in order.
func (w *watch) print(out io.Writer) error {
	for _, arg := range slices.Sorted(maps.Keys(w.seen)) {
		if _, err := fmt.Fprintln(out, arg); err != nil {
			return err
		}
	}
	return nil
}
