package sandbox

import (
	"fmt"
	"syscall"
)

// Kill sends signal to the main process of a unit. It fails if the unit has no main
// process.
func (s *Sandbox) Kill(lrn int, unit string, signal syscall.Signal) error {
	srv, err := s.Server(lrn)
	if err != nil {
		return err
	}
	pid := srv.MainPID(unit)
	if pid == 0 {
		return fmt.Errorf("kill %s on boot server %d: it is not running", unit, lrn)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("kill %s on boot server %d: %w", unit, lrn, err)
	}
	return nil
}

// Pause suspends the main process of a unit until Resume.
func (s *Sandbox) Pause(lrn int, unit string) error { return s.Kill(lrn, unit, syscall.SIGSTOP) }

// Resume continues a process that Pause has suspended.
func (s *Sandbox) Resume(lrn int, unit string) error { return s.Kill(lrn, unit, syscall.SIGCONT) }

// Cut cuts boot servers off from all others and from the simulated internet, until Heal.
// No connection is refused; data is held back. Processes on a server that is cut off can
// still reach the server's own etcd member.
func (s *Sandbox) Cut(servers ...int) error {
	for _, lrn := range servers {
		if _, err := s.Server(lrn); err != nil {
			return err
		}
	}
	s.partition.Cut(servers...)
	s.useMembers()
	return nil
}

// Heal reconnects all boot servers that Cut has cut off.
func (s *Sandbox) Heal() {
	s.partition.Heal()
	s.useMembers()
}

// IsCut reports whether a boot server is cut off.
func (s *Sandbox) IsCut(lrn int) bool { return s.partition.IsCut(lrn) }
