package membership_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/membership"
)

func member(url string, healthy bool) membership.Member {
	return membership.Member{Name: "m" + url, PeerURL: url, Healthy: healthy, Version: "3.6.16"}
}

func TestWhoMayGo(t *testing.T) {
	for name, c := range map[string]struct {
		cluster membership.Cluster
		leaves  int
		may     bool
	}{
		"a dead one of three":                   {membership.Cluster{member("a", true), member("b", true), member("c", false)}, 2, true},
		"a live one of three":                   {membership.Cluster{member("a", true), member("b", true), member("c", true)}, 2, true},
		"a live one beside a dead one":          {membership.Cluster{member("a", true), member("b", true), member("c", false)}, 0, false},
		"a live one of two":                     {membership.Cluster{member("a", true), member("b", true)}, 0, true},
		"the last one":                          {membership.Cluster{member("a", true)}, 0, false},
		"a dead one where the majority is":      {membership.Cluster{member("a", true), member("b", false), member("c", false)}, 1, false},
		"one of five with two dead":             {membership.Cluster{member("a", true), member("b", true), member("c", true), member("d", false), member("e", false)}, 0, false},
		"a dead one of five with two dead":      {membership.Cluster{member("a", true), member("b", true), member("c", true), member("d", false), member("e", false)}, 3, true},
		"a learner, whatever the others' state": {membership.Cluster{member("a", true), {PeerURL: "b", Learner: true}}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.cluster.MayRemove(c.cluster[c.leaves])
			if (err == nil) != c.may || err != nil && !errors.Is(err, membership.ErrQuorumAtRisk) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestDeadMembersGoFirst(t *testing.T) {
	c := membership.Cluster{member("a", true), member("b", true), member("c", false), member("d", true), member("e", false)}
	var got []string
	for _, m := range c.Superfluous([]string{"a", "d"}) {
		got = append(got, m.PeerURL)
	}
	if diff := cmp.Diff([]string{"c", "e", "b"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestARestartWaitsForEveryWantedMember(t *testing.T) {
	wanted := []string{"a", "b", "c"}
	good := membership.Cluster{member("a", true), member("b", true), member("c", true)}
	if err := good.MayRestart(wanted); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(membership.Cluster) membership.Cluster
		want   error
	}{
		"one is missing":        {func(c membership.Cluster) membership.Cluster { return c[:2] }, membership.ErrMemberUnstarted},
		"one has not started":   {func(c membership.Cluster) membership.Cluster { c[1].Name = ""; return c }, membership.ErrMemberUnstarted},
		"one does not vote":     {func(c membership.Cluster) membership.Cluster { c[1].Learner = true; return c }, membership.ErrMemberUnstarted},
		"one is not healthy":    {func(c membership.Cluster) membership.Cluster { c[1].Healthy = false; return c }, membership.ErrQuorumAtRisk},
		"an unwanted one isn't": {func(c membership.Cluster) membership.Cluster { return append(c, member("d", false)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.change(append(membership.Cluster{}, good...)).MayRestart(wanted)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestARefusalNamesTheBootServer(t *testing.T) {
	three := membership.Cluster{member("a", true), member("b", false), member("c", false)}
	three[0].Name, three[1].Name = "boot-0", "boot-1"
	for want, err := range map[string]error{
		"QuorumAtRisk: without the member of boot-0 (a), 0 of 2 are healthy": three.MayRemove(three[0]),
		"QuorumAtRisk: the member of boot-1 (b) is not healthy":              three.MayRestart([]string{"a", "b"}),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestLearnersNeedMembersThatDoNotLoseThem(t *testing.T) {
	for version, want := range map[string]bool{"3.5.19": false, "3.5.20": true, "3.6.16": true, "3.4.30": false, "": true} {
		c := membership.Cluster{member("a", true), {Name: "b", PeerURL: "b", Version: version}}
		if c.Learners() != want {
			t.Errorf("with a member of version %q: %t", version, !want)
		}
	}
}

func TestAVoterIsAddedOnlyWhereOneMoreDeadMemberIsBorne(t *testing.T) {
	if err := (membership.Cluster{member("a", true), member("b", true), member("c", true)}).MayAddVoter(); err != nil {
		t.Error(err)
	}
	if err := (membership.Cluster{member("a", true), member("b", true), member("c", false)}).MayAddVoter(); !errors.Is(err, membership.ErrQuorumAtRisk) {
		t.Errorf("error %v", err)
	}
}

func TestWhatANewMemberIsTold(t *testing.T) {
	c := membership.Cluster{member("a", true), {ID: 255, PeerURL: "b", Learner: true}, {ID: 1, PeerURL: "c"}}
	want := map[string]string{"ma": "a", "boot-1": "b", "unstarted-1": "c"}
	if diff := cmp.Diff(want, c.Initial("boot-1", "b")); diff != "" {
		t.Error(diff)
	}
}

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 3)) }

// add adds a member at url. It repeats the request, because etcd refuses changes until
// its members have been connected for five seconds.
func add(t *testing.T, c *clientv3.Client, url string) membership.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		now, err := membership.Add(ctx, c, url, nil, true)
		if err == nil {
			return now
		}
		if !errors.Is(err, rpctypes.ErrUnhealthy) || neco.SleepContext(ctx, 100*time.Millisecond) != nil {
			t.Fatal(err)
		}
	}
}

// TestMembersComeAndGo runs its steps on one real cluster. Each step starts in the
// state that the step before has left.
func TestMembersComeAndGo(t *testing.T) {
	const url = "http://127.0.0.9:2380"
	ctx, c := t.Context(), cluster.NewClient(t, "/")
	now, err := membership.Query(ctx, c)
	if err != nil || len(now) != 3 {
		t.Fatalf("%v, %v", now, err)
	}
	var wanted []string
	for _, m := range now {
		if !m.Healthy || m.Name == "" || m.Version == "" || m.Learner {
			t.Errorf("%+v", m)
		}
		wanted = append(wanted, m.PeerURL)
	}
	added := add(t, c, url)
	first, ok := added.Find(url)
	if !ok || !first.Learner || first.Name != "" {
		t.Fatalf("%+v", first)
	}
	again, err := membership.Add(ctx, c, url, wanted, true) // an interrupted attempt
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := again.Find(url); second.ID != first.ID || len(again) != 4 {
		t.Errorf("%+v is another member than %+v", second, first)
	}
	if err := membership.Promote(ctx, c, url); err == nil {
		t.Error("a learner that never started votes")
	}
	if err := membership.Promote(ctx, c, wanted[0]); err != nil {
		t.Errorf("a voter: %v", err)
	}
	removed, err := membership.Remove(ctx, c, wanted)
	if err != nil || !cmp.Equal(removed, []string{url}) {
		t.Errorf("%v, %v", removed, err)
	}
	if removed, err := membership.Remove(ctx, c, wanted); err != nil || len(removed) != 0 {
		t.Errorf("again: %v, %v", removed, err)
	}
}

func TestALearnerThatIsNotWantedKeepsNobodyOut(t *testing.T) {
	const given, url = "http://127.0.0.7:2380", "http://127.0.0.8:2380" // etcd derives the ID from the URL and the current second
	ctx, c := t.Context(), cluster.NewClient(t, "/")
	before, err := membership.Query(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, m := range before {
		wanted = append(wanted, m.PeerURL)
	}
	add(t, c, given) // its server was abandoned before it started
	now, err := membership.Add(ctx, c, url, append(wanted, url), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := now.Find(given); there || len(now) != len(before)+1 {
		t.Errorf("%+v", now)
	}
	if _, err := membership.Remove(ctx, c, wanted); err != nil {
		t.Fatal(err)
	}
}
