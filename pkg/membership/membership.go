// Package membership brings members into the cluster of etcd and out of it,
// without ever risking its quorum.
//
// It owns the order in which that is safe: a new member learns before it votes,
// a dead one goes before a live one, and nobody goes whose loss would leave too
// few.  Decisions are pure functions of what the cluster says of itself.  The
// package must not know how a member is started on a host, nor where its files
// are.
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

// Errors.
var (
	// ErrQuorumAtRisk: what was asked for would leave the cluster without a
	// majority, or might.
	ErrQuorumAtRisk = errors.New("QuorumAtRisk")
	// ErrMemberUnstarted: a member that others have added has not started.
	ErrMemberUnstarted = errors.New("MemberUnstarted")
)

// Member is a member of the cluster as it is seen from here.
type Member struct {
	ID      uint64
	Name    string // empty until it has started
	PeerURL string
	// ClientURL is empty until it has started.
	ClientURL string
	Learner   bool
	// Healthy: it answers, and has no alarm or error.
	Healthy bool
	// Leader: it leads the others.
	Leader bool
	// Version of its program, empty if it does not answer.
	Version string
	// Trouble is why it is not healthy, for people.
	Trouble string
	// Size and Quota of its database in bytes; a quota of 0 is unknown.
	Size, Quota int64
}

// String names the member for people: by its boot server, boot-N, if it has
// started, and its address.
func (m Member) String() string {
	if m.Name == "" {
		return "the member at " + m.PeerURL
	}
	return fmt.Sprintf("the member of %s (%s)", m.Name, m.PeerURL)
}

// Cluster is the members, in the order of their peer URLs.
type Cluster []Member

// statusTimeout bounds the question to one member.
const statusTimeout = 3 * time.Second

// Look asks the cluster for its members, and each member for its health.
func Look(ctx context.Context, c *clientv3.Client) (Cluster, error) {
	res, err := c.MemberList(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the members of etcd: %w", err)
	}
	all := make(Cluster, len(res.Members))
	done := make(chan struct{})
	for i, m := range res.Members {
		go func() {
			all[i] = look(ctx, c, m)
			done <- struct{}{}
		}()
	}
	for range res.Members {
		<-done
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.PeerURL, b.PeerURL) })
	return all, nil
}

func look(ctx context.Context, c *clientv3.Client, m *etcdserverpb.Member) Member {
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

// trouble is what a member that answers reports of itself, in words.
func trouble(s *clientv3.StatusResponse) string {
	if s.Leader == 0 { // its error says the same
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

// Find returns the member of a peer URL.
func (c Cluster) Find(peerURL string) (Member, bool) {
	for _, m := range c {
		if m.PeerURL == peerURL {
			return m, true
		}
	}
	return Member{}, false
}

// voters are the members whose voices count, and how many of them are healthy.
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

// Without returns the cluster without the members of that name.
func (c Cluster) Without(name string) Cluster {
	return slices.DeleteFunc(slices.Clone(c), func(m Member) bool { return m.Name == name })
}

// Initial is what a member that starts now has to be told of the cluster.
// Self is its own name: the cluster does not know it yet.
func (c Cluster) Initial(self, peerURL string) map[string]string {
	all := map[string]string{}
	for _, m := range c {
		switch {
		case m.PeerURL == peerURL:
		case m.Name != "":
			all[m.Name] = m.PeerURL
		default: // etcd compares the addresses alone, but wants all of them
			all[fmt.Sprintf("unstarted-%x", m.ID)] = m.PeerURL
		}
	}
	all[self] = peerURL
	return all
}

// learnersFrom is the first version in which the promotion of a learner is safe
// (3.5.1 to 3.5.19 could lose it).
const learnersFrom = "v3.5.20"

// Learners says whether new members come as learners: every member that
// answers has to be of a version that does not lose their promotion.
func (c Cluster) Learners() bool {
	for _, m := range c {
		if m.Version != "" && semver.Compare("v"+m.Version, learnersFrom) < 0 {
			return false
		}
	}
	return true
}

// MayAddVoter says why no voter may be added now, nil if one may: until it has
// started it counts as dead.
func (c Cluster) MayAddVoter() error {
	n, healthy := c.voters()
	if healthy < (n+1)/2+1 {
		return fmt.Errorf("%w: %d of %d members are healthy, too few for one more", ErrQuorumAtRisk, healthy, n)
	}
	return nil
}

// Superfluous are the members whose peer URLs are not wanted, those that are
// not healthy first, for they cost nothing.
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

// MayRemove says why m may not be removed now, nil if it may: those that stay
// must have a majority that is healthy.
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

// MayRestart says why the member at peerURL may not be restarted now, nil if it
// may: every wanted member has started and is healthy.
func (c Cluster) MayRestart(wanted []string) error {
	for _, url := range wanted {
		m, ok := c.Find(url)
		switch {
		case !ok:
			return fmt.Errorf("%w: %s is no member yet", ErrMemberUnstarted, url)
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

// Remove takes the members out that are not wanted, one after the other, each
// only if that is safe.  It stops at the first that has to stay.
func Remove(ctx context.Context, c *clientv3.Client, wanted []string) (removed []string, err error) {
	for {
		now, err := Look(ctx, c)
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

// Add makes the server at peerURL a member that has yet to start, and returns
// the cluster with it.  Learners whose peer URLs are not in wanted are removed
// before: etcd takes a limited number of learners, one by default, so that the
// learner of a server that was given up would keep out every other.  Fresh says
// that the server has no data: a member that had started before is replaced then.
// One that never started is taken up as it is.
func Add(ctx context.Context, c *clientv3.Client, peerURL string, wanted []string, fresh bool) (Cluster, error) {
	now, err := Look(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, m := range now.Superfluous(append(slices.Clone(wanted), peerURL)) {
		if !m.Learner { // the removal of a voter is a step of its own
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
	return Look(ctx, c)
}

// Promote gives the learner at peerURL a voice.  It returns an error as long as
// it lags behind; a member that votes already is none.
func Promote(ctx context.Context, c *clientv3.Client, peerURL string) error {
	now, err := Look(ctx, c)
	if err != nil {
		return err
	}
	m, ok := now.Find(peerURL)
	if !ok {
		return fmt.Errorf("promote the member at %s: it is none", peerURL)
	}
	if !m.Learner {
		return nil
	}
	if err := promoteAtLeader(ctx, c, now, m.ID); err != nil {
		return fmt.Errorf("promote %s: %w", m, err)
	}
	return nil
}

// promoteTimeout bounds one question.
const promoteTimeout = 10 * time.Second

// promoteAtLeader asks the leader itself: what another member passes on to it
// comes without the user's name, and is refused where authentication is on (seen
// in 3.6.16).
func promoteAtLeader(ctx context.Context, c *clientv3.Client, now Cluster, id uint64) error {
	ctx, cancel := context.WithTimeout(ctx, promoteTimeout)
	defer cancel()
	leader := slices.IndexFunc(now, func(m Member) bool { return m.Leader })
	if leader < 0 {
		return errors.New("no member says that it leads")
	}
	conn, err := c.Dial(now[leader].ClientURL)
	if err != nil {
		return fmt.Errorf("ask the leader at %s: %w", now[leader].ClientURL, err)
	}
	defer conn.Close()
	_, err = etcdserverpb.NewClusterClient(conn).MemberPromote(ctx, &etcdserverpb.MemberPromoteRequest{ID: id})
	return rpctypes.Error(err)
}
