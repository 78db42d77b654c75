package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

// Proof is what a boot server was found to run.
type Proof struct {
	LRN int
	// WorkerPID and UpdaterPID are the processes that were asked.
	WorkerPID, UpdaterPID int
	// Version is what both of them answered, and what dpkg has on record.
	Version string
}

const (
	// proofTimeout bounds how long a process may take to show up, as a worker
	// that has lost its lease gets a new one.
	proofTimeout = 30 * time.Second
	// proofPoll is the pause between two looks at processes.
	proofPoll = 200 * time.Millisecond
)

// Prove makes sure that every boot server runs a version: by the sign of life
// of its worker in etcd, by the programs that its processes are instances of,
// which are run once more to tell their version, and by what dpkg says.  It
// blocks until that is so, ctx is done, or half a minute has passed.
func (s *Sandbox) Prove(ctx context.Context, version string) ([]Proof, error) {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	var proofs []Proof
	servers := s.all()
	for _, lrn := range s.opts.Servers {
		p, err := s.proveOne(ctx, servers[lrn], version)
		if err != nil {
			return proofs, fmt.Errorf("boot server %d does not run %s: %w", lrn, version, err)
		}
		proofs = append(proofs, p)
	}
	return proofs, nil
}

func (s *Sandbox) proveOne(ctx context.Context, srv *Server, version string) (Proof, error) {
	tick := time.NewTicker(proofPoll)
	defer tick.Stop()
	for {
		p, err := s.look(ctx, srv, version)
		if err == nil {
			return p, nil
		}
		select {
		case <-ctx.Done():
			return p, err
		case <-tick.C:
		}
	}
}

// look looks once.
func (s *Sandbox) look(ctx context.Context, srv *Server, version string) (Proof, error) {
	p := Proof{LRN: srv.LRN, UpdaterPID: srv.MainPID(UpdaterUnit)}
	snap, err := s.store.Snapshot(ctx)
	if err != nil {
		return p, err
	}
	presence, ok := snap.Presence[srv.LRN]
	if !ok {
		return p, errors.New("its worker gives no sign of life")
	}
	if presence.Version != version {
		return p, fmt.Errorf("its worker says that it is of version %s", presence.Version)
	}
	p.WorkerPID = presence.PID
	if err := isProgram(ctx, p.WorkerPID, filepath.Join(srv.Root, "usr/sbin/neco-worker"), version); err != nil {
		return p, err
	}
	if err := isProgram(ctx, p.UpdaterPID, filepath.Join(srv.Root, "usr/sbin/neco-updater"), version); err != nil {
		return p, err
	}
	have, state, err := packages(srv.Root).Status(ctx, neco.NecoPackageName)
	if err != nil {
		return p, err
	}
	if have != version || state != host.StateInstalled {
		return p, fmt.Errorf("dpkg says that neco %s is %s", have, state)
	}
	p.Version = version
	return p, nil
}

// isProgram makes sure that a process is an instance of the program at path,
// and that this is of the given version.
func isProgram(ctx context.Context, pid int, path, version string) error {
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	target, err := os.Readlink(exe)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	if target != path {
		return fmt.Errorf("process %d is an instance of %s, not of %s", pid, target, path)
	}
	out, err := exec.CommandContext(ctx, exe, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask process %d: %w", pid, err)
	}
	if got := strings.TrimSpace(string(out)); got != version {
		return fmt.Errorf("process %d is of version %s", pid, got)
	}
	return nil
}
