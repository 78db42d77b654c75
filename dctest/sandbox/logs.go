package sandbox

import (
	"os"
	"strings"
)

// Tail returns the last lines of a unit's log, or nil if the unit has no log.
func (s *Sandbox) Tail(lrn int, unit string, lines int) []string {
	srv, err := s.Server(lrn)
	if err != nil {
		return nil
	}
	data, err := os.ReadFile(srv.LogFile(unit))
	if err != nil {
		return nil
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return all[max(0, len(all)-lines):]
}
