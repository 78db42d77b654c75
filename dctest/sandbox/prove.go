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

// Proof is the evidence that a boot server runs a version.
type Proof struct {
	LRN int
	// WorkerPID and UpdaterPID are the processes whose version was checked.
	WorkerPID, UpdaterPID int
	// Version is the version of both processes and of the package in dpkg's database.
	Version string
}

const (
	// proofTimeout is how long Prove waits for the expected version on all boot servers
	// before it fails. For example, a worker that has lost its lease needs time to get a
	// new one.
	proofTimeout = 30 * time.Second
	// proofPoll is the time between two checks of the processes.
	proofPoll = 200 * time.Millisecond
)

// Prove checks that every boot server runs version. It checks the version in the key
// that the worker keeps in etcd, the version that the programs of the running processes
// print, and the package in dpkg's database. It blocks until all checks succeed, ctx is
// done, or half a minute has passed.
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
		p, err := s.proveOnce(ctx, srv, version)
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

// proveOnce checks once that the boot server srv runs the version.
func (s *Sandbox) proveOnce(ctx context.Context, srv *Server, version string) (Proof, error) {
	p := Proof{LRN: srv.LRN, UpdaterPID: srv.MainPID(UpdaterUnit)}
	snap, err := s.store.Snapshot(ctx)
	if err != nil {
		return p, err
	}
	presence, ok := snap.Presence[srv.LRN]
	if !ok {
		return p, errors.New("its worker has no heartbeat in etcd")
	}
	if presence.Version != version {
		return p, fmt.Errorf("its worker reports version %s", presence.Version)
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
		return p, fmt.Errorf("dpkg reports that neco %s is %s", have, state)
	}
	p.Version = version
	return p, nil
}

// isProgram checks that the process runs the program at path, and that this program has
// the given version.
func isProgram(ctx context.Context, pid int, path, version string) error {
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	target, err := os.Readlink(exe)
	if err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	if target != path {
		return fmt.Errorf("process %d runs %s, not %s", pid, target, path)
	}
	out, err := exec.CommandContext(ctx, exe, "--version").Output()
	if err != nil {
		return fmt.Errorf("query the version of process %d: %w", pid, err)
	}
	if got := strings.TrimSpace(string(out)); got != version {
		return fmt.Errorf("process %d has version %s", pid, got)
	}
	return nil
}
