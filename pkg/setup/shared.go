package setup

import (
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/pki"
)

// shared holds the state that the stages of this server change and the leader's
// request handlers read concurrently: a server that starts over repeats requests of
// earlier stages while the leader runs a later one.
type shared struct {
	mu   sync.Mutex
	held state
}

// state is a copy of what shared holds.  Its maps are replaced, never modified.
type state struct {
	// facts are those of all servers, nil until the servers have met.
	facts map[int]Facts
	// authorities are the CAs, which the leader holds until they are in Vault.
	authorities map[pki.Authority]pki.CA
	// rootToken is Vault's root token, which the leader holds until it is revoked.
	rootToken string
	etcd      *clientv3.Client
}

// state returns the current state.
func (s *shared) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// change calls f with the state, under the mutex.
func (s *shared) change(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.held)
}

// subject returns the names in the certificates of the server lrn.
func (s state) subject(lrn int) pki.Subject {
	f := s.facts[lrn]
	return pki.NewSubject(lrn, f.HostName, f.Bastion)
}

// subject returns the names in the certificates of the server lrn.
func (s *shared) subject(lrn int) pki.Subject { return s.state().subject(lrn) }
