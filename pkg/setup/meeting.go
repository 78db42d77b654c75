package setup

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
)

// Bastion is this server's address in the operators' network; the zero value if
// it has none.
func (h Host) Bastion() netip.Addr {
	all, err := h.Addresses()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range all[ifBastion] {
		if a.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// cluster is the name of the data centre, empty if unknown.
func (h Host) cluster() string {
	data, err := h.FS.Read(neco.ClusterFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// ownSubject is this server as its certificates will name it.
func (h Host) ownSubject(lrn int, hostName string) pki.Subject {
	return pki.NewSubject(lrn, hostName, h.Bastion())
}

// ownFacts are what this server says of itself.
func (o Options) ownFacts() Facts {
	return Facts{HostName: o.HostName, Bastion: o.Bastion(), Version: o.Version, Cluster: o.cluster(), Time: o.Now()}
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
	r.progress.Facts = all
	r.change(func(s *state) { s.facts = all })
	return nil
}
