package storage

import "github.com/cybozu-go/neco/internal/lrn"

// Election maps the keys of the candidates of an election to the candidates.
type Election map[string]Candidate

// Candidate is a process that is the leader or waits to become it.
type Candidate struct {
	// Value names the process.
	Value string
	// Rev is the revision at which the key of the candidate was created: the oldest
	// candidate is the leader.
	Rev int64
}

// Leader returns the value of the leading candidate; ok is false if there is none.
func (e Election) Leader() (value string, ok bool) {
	var first Candidate
	for _, c := range e {
		if !ok || c.Rev < first.Rev {
			first, ok = c, true
		}
	}
	return first.Value, ok
}

// Updater returns the host name of the leading updater, or "" if there is none.
func (s *Snapshot) Updater() string {
	host, _ := s.Updaters.Leader()
	return host
}

// LockHolder returns the LRN of the boot server that holds the lock of the workers, or
// -1 if none does.
func (s *Snapshot) LockHolder() int {
	value, _ := s.Lockers.Leader()
	if n, err := lrn.Parse(value); err == nil {
		return n
	}
	return -1
}
