package setup

import (
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/pki"
)

// shared holds the state that the stages of this server change and, on the leader, the
// request handlers read. Both run concurrently: a server that is restarted sends
// requests of earlier stages while the leader runs a later one.
type shared struct {
	mu   sync.Mutex
	held state
}

// state is a copy of the state that shared holds. Its maps are replaced, never
// modified.
type state struct {
	// facts are the facts of all servers by LRN. They are nil until the stage meet.
	facts map[int]Facts
	// authorities are the CAs with their keys. Only the leader has them, until they are
	// in Vault.
	authorities map[pki.Authority]pki.CA
	// rootToken is Vault's root token. Only the leader has it, until the token is
	// revoked.
	rootToken string
	etcd      *clientv3.Client
}

// state returns a copy of the current state.
func (s *shared) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// change calls f to change the state. It holds the mutex during the call.
func (s *shared) change(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.held)
}

// subject returns the names and addresses that the certificates of the server lrn
// contain.
func (s state) subject(lrn int) pki.Subject {
	f := s.facts[lrn]
	return pki.NewSubject(lrn, f.HostName, f.Bastion)
}

// subject returns state.subject of the current state.
func (s *shared) subject(lrn int) pki.Subject { return s.state().subject(lrn) }
