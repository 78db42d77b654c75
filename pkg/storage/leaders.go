package storage

import "github.com/cybozu-go/neco/internal/lrn"

// Election holds the candidates of an election, by the part of their keys after the
// election's prefix.
type Election map[string]Candidate

// Candidate is a process that has won an election or waits to win it.
type Candidate struct {
	// Value names the process, by its host name or LRN.
	Value string
	// Rev is the revision at which the candidate's key was created. The candidate with
	// the lowest one is the leader.
	Rev int64
}

// Leader returns the Value of the leading candidate; ok is false if the election has no
// candidates.
func (e Election) Leader() (value string, ok bool) {
	var first Candidate
	for _, c := range e {
		if !ok || c.Rev < first.Rev {
			first, ok = c, true
		}
	}
	return first.Value, ok
}

// Updater returns the host name of the leading updater, or "" if no updater leads.
func (s *Snapshot) Updater() string {
	host, _ := s.Updaters.Leader()
	return host
}

// LockHolder returns the LRN of the boot server that holds the workers' lock, or -1 if
// none does.
func (s *Snapshot) LockHolder() int {
	value, _ := s.Lockers.Leader()
	if n, err := lrn.Parse(value); err == nil {
		return n
	}
	return -1
}
