package setup

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
)

// Bastion returns this server's IPv4 address in the operators' network, or the
// zero Addr if it has none.
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

// cluster returns the name of the data centre, or "" if it is unknown.
func (h Host) cluster() string {
	data, err := h.FS.Read(neco.ClusterFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// ownSubject returns the names and addresses that the certificates of this server, the
// boot server lrn, will contain.
func (h Host) ownSubject(lrn int, hostName string) pki.Subject {
	return pki.NewSubject(lrn, hostName, h.Bastion())
}

// ownFacts returns the facts of this server, with the current time.
func (o Options) ownFacts() Facts {
	return Facts{HostName: o.HostName, Bastion: o.Bastion(), Version: o.Version, Cluster: o.cluster(), Time: o.Now()}
}

// factsNow is a function that returns the facts of this server with the current time.
// Its JSON is that of the returned facts, so that a repeated request contains the time
// of the repetition.
type factsNow func() Facts

// MarshalJSON implements json.Marshaler.
func (f factsNow) MarshalJSON() ([]byte, error) { return json.Marshal(f()) }

// meetOthers reports this server's facts to the leader and blocks until the leader has
// the facts of all servers. It fails if the facts of the servers do not fit together.
func meetOthers(ctx context.Context, r *run) error {
	var all map[int]Facts
	if err := r.link.call(ctx, methodFacts, factsNow(r.ownFacts), &all); err != nil {
		return err
	}
	r.progress.Facts = all
	r.change(func(s *state) { s.facts = all })
	return nil
}
