package setup

import (
	"context"
	"encoding/json"

	"github.com/cybozu-go/neco/pkg/pki"
)

// ownSubject is this server as its certificates will name it.
func (r *run) ownSubject() pki.Subject { return pki.NewSubject(r.LRN, r.HostName, r.bastion()) }

// ownFacts are what this server says of itself.
func (r *run) ownFacts() Facts {
	return Facts{HostName: r.HostName, Bastion: r.bastion(), Version: r.Version, Cluster: r.cluster(), Time: r.Now()}
}

// factsNow are facts of the moment in which they are sent: a request that is
// sent again, to a leader that was started again, must not tell an old time.
type factsNow func() Facts

// MarshalJSON implements json.Marshaler.
func (f factsNow) MarshalJSON() ([]byte, error) { return json.Marshal(f()) }

// meetOthers waits until all servers are there and fit together.
func meetOthers(ctx context.Context, r *run) error {
	var all map[int]Facts
	if err := r.link.call(ctx, methodFacts, factsNow(r.ownFacts), &all); err != nil {
		return err
	}
	r.facts, r.progress.Facts = all, all
	return nil
}
