// Package membership adds members to the etcd cluster and removes them, without risking
// its quorum.
//
// It owns the order in which that is safe: a new member is added as a learner before it
// votes, unhealthy members are removed before healthy ones, and a member is removed
// only if a majority of the remaining ones is healthy. Decisions are pure functions of
// the state that the cluster reports. The package must not know how a member is started
// on a host, nor where its files are.
package membership

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/mod/semver"
)

// These errors are the reasons for which the cluster must not be changed.
var (
	// ErrQuorumAtRisk reports that a change could leave the cluster without a majority
	// of healthy members.
	ErrQuorumAtRisk = errors.New("QuorumAtRisk")
	// ErrMemberUnstarted reports that an expected member is absent, has not started or
	// does not vote yet.
	ErrMemberUnstarted = errors.New("MemberUnstarted")
)

// Member is the observed state of a member of the cluster.
type Member struct {
	ID      uint64
	Name    string // empty until the member has started for the first time
	PeerURL string
	// ClientURL is the client URL of the member. It is empty until the member has
	// started for the first time.
	ClientURL string
	Learner   bool
	// Healthy reports that the member answers and has no alarm or error.
	Healthy bool
	// Leader reports that the member is the leader of the cluster.
	Leader bool
	// Version is the version of etcd that the member runs. It is empty if the member
	// does not answer.
	Version string
	// Trouble describes for operators why the member is not healthy.
	Trouble string
	// Size is the size of the member's database in bytes, Quota its limit, or 0 if that
	// is unknown.
	Size, Quota int64
}

// String returns the name and the peer URL of the member, or only the URL if the member
// has no name yet.
func (m Member) String() string {
	if m.Name == "" {
		return "the member at " + m.PeerURL
	}
	return fmt.Sprintf("the member of %s (%s)", m.Name, m.PeerURL)
}

// Cluster is the list of the members of etcd, sorted by peer URL.
type Cluster []Member

// statusTimeout is how long Query waits for the status of one member. A member that
// does not answer in this time counts as not healthy.
const statusTimeout = 3 * time.Second

// Query returns the members of the cluster with their status. It queries all members
// concurrently; a member that does not answer within statusTimeout counts as not
// healthy.
func Query(ctx context.Context, c *clientv3.Client) (Cluster, error) {
	res, err := c.MemberList(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the members of etcd: %w", err)
	}
	all := make(Cluster, len(res.Members))
	done := make(chan struct{})
	for i, m := range res.Members {
		go func() {
			all[i] = query(ctx, c, m)
			done <- struct{}{}
		}()
	}
	for range res.Members {
		<-done
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.PeerURL, b.PeerURL) })
	return all, nil
}

func query(ctx context.Context, c *clientv3.Client, m *etcdserverpb.Member) Member {
	v := Member{ID: m.ID, Name: m.Name, Learner: m.IsLearner}
	if len(m.PeerURLs) > 0 {
		v.PeerURL = m.PeerURLs[0]
	}
	if len(m.ClientURLs) == 0 {
		v.Trouble = "it was added and has never started"
		return v
	}
	v.ClientURL = m.ClientURLs[0]
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	s, err := c.Status(ctx, v.ClientURL)
	if err != nil {
		v.Trouble = "it does not answer at " + v.ClientURL
		return v
	}
	v.Version, v.Leader, v.Size, v.Quota = s.Version, s.Leader == m.ID, s.DbSize, s.DbSizeQuota
	v.Trouble = trouble(s)
	v.Healthy = v.Trouble == ""
	return v
}

// trouble returns a text for operators about the errors and alarms in the status s of a
// member.
func trouble(s *clientv3.StatusResponse) string {
	if s.Leader == 0 { // s.Errors has the same error
		return "it has no leader"
	}
	var all []string
	for _, text := range s.Errors {
		// An alarm reads "memberID:1234 alarm:NOSPACE ".
		if _, alarm, ok := strings.Cut(text, "alarm:"); ok {
			text = "alarm " + strings.TrimSpace(alarm)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// Find returns the member at peerURL. The second result is false if there is no member
// at that URL.
func (c Cluster) Find(peerURL string) (Member, bool) {
	for _, m := range c {
		if m.PeerURL == peerURL {
			return m, true
		}
	}
	return Member{}, false
}

// voters returns the number of voting members, and how many of them are healthy.
func (c Cluster) voters() (n, healthy int) {
	for _, m := range c {
		if m.Learner {
			continue
		}
		n++
		if m.Healthy {
			healthy++
		}
	}
	return n, healthy
}

// Voters returns the number of voting members.
func (c Cluster) Voters() int {
	n, _ := c.voters()
	return n
}

// Without returns a copy of c without the members called name.
func (c Cluster) Without(name string) Cluster {
	return slices.DeleteFunc(slices.Clone(c), func(m Member) bool { return m.Name == name })
}

// Initial returns the value of etcd's option initial-cluster for the member at peerURL:
// the names and peer URLs of all members. self is the name of that member, which is not
// in c yet.
func (c Cluster) Initial(self, peerURL string) map[string]string {
	all := map[string]string{}
	for _, m := range c {
		switch {
		case m.PeerURL == peerURL:
		case m.Name != "":
			all[m.Name] = m.PeerURL
		default: // etcd requires all peer URLs, but ignores the names
			all[fmt.Sprintf("unstarted-%x", m.ID)] = m.PeerURL
		}
	}
	all[self] = peerURL
	return all
}

// learnersFrom is the first version of etcd that promotes learners safely. The versions
// 3.5.1 to 3.5.19 could lose a promotion.
const learnersFrom = "v3.5.20"

// Learners reports whether a new member may be added as a learner: no member that
// answers runs a version before learnersFrom.
func (c Cluster) Learners() bool {
	for _, m := range c {
		if m.Version != "" && semver.Compare("v"+m.Version, learnersFrom) < 0 {
			return false
		}
	}
	return true
}

// MayAddVoter returns ErrQuorumAtRisk if adding a voting member could cost the cluster
// its quorum. A new member counts as unhealthy until it has started.
func (c Cluster) MayAddVoter() error {
	n, healthy := c.voters()
	if healthy < (n+1)/2+1 {
		return fmt.Errorf("%w: %d of %d members are healthy, too few for one more", ErrQuorumAtRisk, healthy, n)
	}
	return nil
}

// Superfluous returns the members whose peer URLs are not in wanted. Unhealthy members
// come first: their removal does not reduce the number of healthy members.
func (c Cluster) Superfluous(wanted []string) []Member {
	var all []Member
	for _, m := range c {
		if !slices.Contains(wanted, m.PeerURL) {
			all = append(all, m)
		}
	}
	slices.SortStableFunc(all, func(a, b Member) int {
		switch {
		case a.Healthy == b.Healthy:
			return 0
		case b.Healthy:
			return -1
		}
		return 1
	})
	return all
}

// MayRemove returns ErrQuorumAtRisk unless a majority of the voting members other than
// m is healthy. A learner may always be removed.
func (c Cluster) MayRemove(m Member) error {
	if m.Learner {
		return nil
	}
	n, healthy := c.voters()
	n--
	if m.Healthy {
		healthy--
	}
	if n < 1 || healthy < n/2+1 {
		return fmt.Errorf("%w: without %s, %d of %d are healthy", ErrQuorumAtRisk, m, healthy, n)
	}
	return nil
}

// MayRestart returns an error unless a member may be restarted without risk: every
// member whose peer URL is in wanted must have started, vote and be healthy.
func (c Cluster) MayRestart(wanted []string) error {
	for _, url := range wanted {
		m, ok := c.Find(url)
		switch {
		case !ok:
			return fmt.Errorf("%w: %s is not a member yet", ErrMemberUnstarted, url)
		case m.Name == "":
			return fmt.Errorf("%w: %s", ErrMemberUnstarted, m)
		case m.Learner:
			return fmt.Errorf("%w: %s does not vote yet", ErrMemberUnstarted, m)
		case !m.Healthy:
			return fmt.Errorf("%w: %s is not healthy", ErrQuorumAtRisk, m)
		}
	}
	return nil
}

// Remove removes the members whose peer URLs are not in wanted, one after the other,
// and returns the peer URLs of the removed members. It stops at the first error, such
// as ErrQuorumAtRisk from MayRemove.
func Remove(ctx context.Context, c *clientv3.Client, wanted []string) (removed []string, err error) {
	for {
		now, err := Query(ctx, c)
		if err != nil {
			return removed, err
		}
		extra := now.Superfluous(wanted)
		if len(extra) == 0 {
			return removed, nil
		}
		m := extra[0]
		if err := now.MayRemove(m); err != nil {
			return removed, err
		}
		if _, err := c.MemberRemove(ctx, m.ID); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
			return removed, fmt.Errorf("remove %s: %w", m, err)
		}
		removed = append(removed, m.PeerURL)
	}
}

// Add adds a member for the server at peerURL and returns the cluster with that member.
// The server starts etcd afterwards. Add keeps a member that is already at peerURL, and
// replaces it only if the member has started before and fresh reports that the server
// has no data.
//
// First, Add removes learners that are neither at peerURL nor in wanted, a list of peer
// URLs. etcd accepts only a limited number of learners, one by default, so the learner
// of an abandoned server would block all others.
func Add(ctx context.Context, c *clientv3.Client, peerURL string, wanted []string, fresh bool) (Cluster, error) {
	now, err := Query(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, m := range now.Superfluous(append(slices.Clone(wanted), peerURL)) {
		if !m.Learner { // Remove removes voting members
			continue
		}
		if _, err := c.MemberRemove(ctx, m.ID); err != nil && !errors.Is(err, rpctypes.ErrMemberNotFound) {
			return nil, fmt.Errorf("remove the learner at %s: %w", m.PeerURL, err)
		}
	}
	if m, ok := now.Find(peerURL); ok {
		if m.Name == "" || !fresh {
			return now, nil
		}
		if err := now.MayRemove(Member{Name: m.Name, PeerURL: peerURL, Learner: m.Learner}); err != nil {
			return nil, fmt.Errorf("replace %s, whose data is lost: %w", m, err)
		}
		if _, err := c.MemberRemove(ctx, m.ID); err != nil {
			return nil, fmt.Errorf("replace %s: %w", m, err)
		}
	}
	if now.Learners() {
		_, err = c.MemberAddAsLearner(ctx, []string{peerURL})
	} else if err = now.MayAddVoter(); err == nil {
		_, err = c.MemberAdd(ctx, []string{peerURL})
	}
	if err != nil {
		return nil, fmt.Errorf("add a member at %s: %w", peerURL, err)
	}
	return Query(ctx, c)
}

// Promote makes the learner at peerURL a voting member. It fails while the learner is
// catching up, and does nothing if the member already votes.
func Promote(ctx context.Context, c *clientv3.Client, peerURL string) error {
	now, err := Query(ctx, c)
	if err != nil {
		return err
	}
	m, ok := now.Find(peerURL)
	if !ok {
		return fmt.Errorf("promote the member at %s: it is not a member", peerURL)
	}
	if !m.Learner {
		return nil
	}
	if err := promoteAtLeader(ctx, c, now, m.ID); err != nil {
		return fmt.Errorf("promote %s: %w", m, err)
	}
	return nil
}

// promoteTimeout is how long the request to promote a learner may take before it fails.
const promoteTimeout = 10 * time.Second

// promoteAtLeader sends the request to promote the member id directly to the leader of
// the cluster, which it finds in now. If another member forwards such a request, the
// request loses its user, and a leader with authentication refuses it (observed in etcd
// 3.6.16).
func promoteAtLeader(ctx context.Context, c *clientv3.Client, now Cluster, id uint64) error {
	ctx, cancel := context.WithTimeout(ctx, promoteTimeout)
	defer cancel()
	leader := slices.IndexFunc(now, func(m Member) bool { return m.Leader })
	if leader < 0 {
		return errors.New("no member reports that it is the leader")
	}
	conn, err := c.Dial(now[leader].ClientURL)
	if err != nil {
		return fmt.Errorf("connect to the leader at %s: %w", now[leader].ClientURL, err)
	}
	defer conn.Close()
	_, err = etcdserverpb.NewClusterClient(conn).MemberPromote(ctx, &etcdserverpb.MemberPromoteRequest{ID: id})
	return rpctypes.Error(err)
}
