package status

import (
	"fmt"

	"github.com/cybozu-go/neco/pkg/membership"
)

// Etcd is the state of the etcd cluster.
type Etcd struct {
	Members []EtcdMember `json:"members"`
	// Voters is the number of voting members, and Healthy is how many of them are
	// healthy.
	Voters  int `json:"voters"`
	Healthy int `json:"healthy"`
	// Leader is the name of the leading member; empty if no member reports to be the
	// leader.
	Leader string `json:"leader,omitempty"`
}

// EtcdMember is one member of etcd.
type EtcdMember struct {
	// Name is the name of the member; empty until it has started.
	Name    string `json:"name,omitempty"`
	PeerURL string `json:"peer_url"`
	Learner bool   `json:"learner,omitempty"`
	Healthy bool   `json:"healthy"`
	// Trouble is why the member is not healthy: it does not answer, has no leader, or has
	// an alarm.
	Trouble string `json:"trouble,omitempty"`
	Version string `json:"version,omitempty"`
	// Size and Quota are the used and the allowed size of the database in bytes; 0 if
	// unknown.
	Size  int64 `json:"size,omitempty"`
	Quota int64 `json:"quota,omitempty"`
}

// spaceWarning is the used part of the database's quota, in percent, at which a warning
// starts.
const spaceWarning = 80

// AddEtcd adds the members of etcd to the view.
func (v *View) AddEtcd(c membership.Cluster) {
	e := &Etcd{}
	for _, m := range c {
		e.Members = append(e.Members, EtcdMember{
			Name: clean(m.Name), PeerURL: clean(m.PeerURL), Learner: m.Learner, Healthy: m.Healthy,
			Trouble: clean(m.Trouble), Version: clean(m.Version), Size: m.Size, Quota: m.Quota,
		})
		if m.Leader {
			e.Leader = clean(m.Name)
		}
		if m.Learner {
			continue
		}
		e.Voters++
		if m.Healthy {
			e.Healthy++
		}
	}
	v.Etcd = e
}

// name returns the member's boot server as text, or its peer URL if it has not started
// yet.
func (m EtcdMember) name() string {
	if m.Name == "" {
		return "member of etcd at " + m.PeerURL
	}
	return "member of etcd on " + hostName(m.Name)
}

// problem returns a problem of this member, described by text.
func (m EtcdMember) problem(text string) problem {
	p := problem{text: m.name() + text, run: "systemctl status etcd-container"}
	if n, ok := bootServer(m.Name); ok {
		p.on = []int{n}
	}
	return p
}

// full returns the used part of the database's quota in percent, or 0 if it is unknown.
func (m EtcdMember) full() int64 {
	if m.Quota <= 0 {
		return 0
	}
	return m.Size * 100 / m.Quota
}

// line returns the summary of the cluster in one line.
func (e Etcd) line() string {
	text := fmt.Sprintf("%d of %d voting members healthy", e.Healthy, e.Voters)
	if e.Leader != "" {
		text += ", leader on " + hostName(e.Leader)
	}
	var size int64
	for _, m := range e.Members {
		size = max(size, m.Size)
	}
	if size > 0 {
		text += fmt.Sprintf(", %d MiB", (size+1<<20-1)>>20)
	}
	return text
}

// problems returns a problem for each member that is not healthy, does not vote, or has
// used most of its quota.
func (e Etcd) problems() []problem {
	var all []problem
	for _, m := range e.Members {
		switch {
		case !m.Healthy && m.Trouble != "":
			all = append(all, m.problem(": "+shorten(m.Trouble)))
		case m.Learner:
			all = append(all, m.problem(" is a learner and does not vote"))
		case m.full() >= spaceWarning:
			all = append(all, m.problem(fmt.Sprintf(" uses %d %% of its space quota", m.full())))
		}
	}
	return all
}
