package setup

import (
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/pki"
)

// shared owns what the stages of this server change and the request handlers of
// the leader read meanwhile.  A server that starts over sends its requests again
// while the leader goes on.
type shared struct {
	mu   sync.Mutex
	held state
}

// state is what shared holds at one moment.  Its maps are replaced, not changed.
type state struct {
	// facts of all servers, once they have met.
	facts map[int]Facts
	// authorities are with the leader until Vault has them.
	authorities map[pki.Authority]pki.CA
	// rootToken is Vault's, with the leader until it is revoked.
	rootToken string
	etcd      *clientv3.Client
}

// state returns what is held now.
func (s *shared) state() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// change lets f change what is held.
func (s *shared) change(f func(*state)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.held)
}

// subject is a server as its certificates name it.
func (s state) subject(lrn int) pki.Subject {
	f := s.facts[lrn]
	return pki.NewSubject(lrn, f.HostName, f.Bastion)
}

// subject is a server as its certificates name it.
func (s *shared) subject(lrn int) pki.Subject { return s.state().subject(lrn) }
