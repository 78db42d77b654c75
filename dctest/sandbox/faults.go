package sandbox

import (
	"fmt"
	"syscall"
)

// Kill sends a signal to the main process of a unit.
func (s *Sandbox) Kill(lrn int, unit string, signal syscall.Signal) error {
	srv, err := s.Server(lrn)
	if err != nil {
		return err
	}
	pid := srv.MainPID(unit)
	if pid == 0 {
		return fmt.Errorf("kill %s on boot server %d: it does not run", unit, lrn)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("kill %s on boot server %d: %w", unit, lrn, err)
	}
	return nil
}

// Pause stops the main process of a unit where it is, until Resume.
func (s *Sandbox) Pause(lrn int, unit string) error { return s.Kill(lrn, unit, syscall.SIGSTOP) }

// Resume lets a process go on that Pause has stopped.
func (s *Sandbox) Resume(lrn int, unit string) error { return s.Kill(lrn, unit, syscall.SIGCONT) }

// Cut cuts boot servers off from all others and from the internet, in silence:
// nothing is refused, and nothing arrives.  A server's processes still reach
// its own member of etcd.
func (s *Sandbox) Cut(servers ...int) error {
	for _, lrn := range servers {
		if _, err := s.Server(lrn); err != nil {
			return err
		}
	}
	s.board.Cut(servers...)
	s.useMembers()
	return nil
}

// Heal connects all boot servers again.
func (s *Sandbox) Heal() {
	s.board.Heal()
	s.useMembers()
}

// IsCut reports whether a boot server is cut off.
func (s *Sandbox) IsCut(lrn int) bool { return s.board.IsCut(lrn) }
