package status_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

const failure = "list releases: proxyconnect tcp: dial tcp 10.0.49.3:3128: connect: connection refused"

// failing returns the state of a data centre whose searches for releases have failed from
// minute 10 of the run on, for the given length of time.
func failing(length time.Duration) *storage.Snapshot {
	s := complete()
	s.Check = &storage.ReleaseCheck{CheckedAt: clock(9 * time.Minute), StaleSince: clock(10 * time.Minute),
		FailedAt: clock(10*time.Minute + length), Error: failure}
	return s
}

func TestSearchesThatFailForLongDegrade(t *testing.T) {
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	for name, c := range map[string]struct {
		interval, failing time.Duration
		spoil             func(*storage.Snapshot)
		want              bool
	}{
		"one search":                   {minutes(10), 0, nil, false},
		"two intervals":                {minutes(10), minutes(20), nil, false},
		"three intervals":              {minutes(10), minutes(30), nil, true},
		"short intervals, 9 minutes":   {minutes(1), minutes(9), nil, false},
		"short intervals, 10 minutes":  {minutes(1), minutes(10), nil, true},
		"one search before the window": {minutes(10), 0, func(s *storage.Snapshot) { s.Config.ReleaseTime = "* 9 * * *" }, false},
		"in env none":                  {minutes(10), minutes(60), func(s *storage.Snapshot) { s.Config.Env = neco.NoneEnv }, false},
	} {
		s := failing(c.failing)
		s.Config.CheckInterval = c.interval
		if c.spoil != nil {
			c.spoil(s)
		}
		v := view(s, *clock(24 * time.Hour))
		v.Judge()
		want := []string{"every search has failed since 2024-01-02 15:10:00Z: " + failure}
		if !c.want {
			want = nil
		}
		if diff := cmp.Diff(want, v.Problems); diff != "" || (v.Health == status.Degraded) != c.want {
			t.Errorf("%s: %s: %s", name, v.Health, diff)
		}
		var b bytes.Buffer
		if err := v.Render(&b); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(unwrapped(b), "every search has failed"); n > 1 || n == 0 && s.Config.Env != neco.NoneEnv {
			t.Errorf("%s: said %d times:\n%s", name, n, b.String())
		}
	}
}

func TestAMalformedConfigurationDegrades(t *testing.T) {
	s := complete()
	s.Config.Env = neco.NoneEnv // its default
	s.Malformed = []storage.MalformedKey{
		{Key: "config/env", Err: errors.New("not one of them")}, {Key: "config/proxy", Err: errors.New("not a URL")},
		{Key: "config/of-the-original", Err: errors.New("no such config key")},
	}
	v := view(s, *clock(10 * time.Minute))
	v.Judge()
	want := []string{"config env is malformed; used in its place: its default, none", "config proxy is malformed; used in its place: none"}
	if diff := cmp.Diff(want, v.Problems); diff != "" || v.Health != status.Degraded {
		t.Errorf("%s: %s", v.Health, diff)
	}
	if diff := cmp.Diff([]string{"neco config set env VALUE", "neco config set proxy VALUE"}, v.ToDo); diff != "" {
		t.Error(diff)
	}
}

func TestTheReleasePartHoldsOnlyWhatIsOfInterest(t *testing.T) {
	const withdrawn, bad = "the release server does not offer", "not installed again"
	mark := func(versions ...string) map[string]storage.BadRelease {
		all := map[string]storage.BadRelease{}
		for _, v := range versions {
			all[v] = storage.BadRelease{Reason: "step 0 (package) install on boot server 1: " + refused + strings.Repeat("long ", 60)}
		}
		return all
	}
	for name, c := range map[string]struct {
		spoil func(*storage.Snapshot)
		want  []string
	}{
		"nothing":                             {func(*storage.Snapshot) {}, nil},
		"the withdrawn release was forgotten": {func(s *storage.Snapshot) { s.Check.Withdrawn = "2024.01.03-1" }, []string{withdrawn}},
		"a newer one is known":                {func(s *storage.Snapshot) { s.Check.Withdrawn, s.Release = "2024.01.03-1", "2024.01.04-1" }, nil},
		"env none":                            {func(s *storage.Snapshot) { s.Check.Withdrawn, s.Config.Env = "2024.01.03-1", neco.NoneEnv }, nil},
		"a bad release":                       {func(s *storage.Snapshot) { s.Bad = mark("2024.01.03-1") }, []string{bad}},
		"three bad releases":                  {func(s *storage.Snapshot) { s.Bad = mark("2024.01.03-1", "2024.01.04-1", "2024.01.05-1") }, []string{bad}},
	} {
		s := complete()
		c.spoil(s)
		var b bytes.Buffer
		if err := view(s, *clock(10 * time.Minute)).Render(&b); err != nil {
			t.Fatal(err)
		}
		text := unwrapped(b)
		for _, line := range []string{withdrawn, bad} {
			if got := strings.Contains(text, line); got != slices.Contains(c.want, line) {
				t.Errorf("%s: %q is shown: %v\n%s", name, line, got, b.String())
			}
		}
		if n := strings.Count(b.String(), "\n"); n > 10 {
			t.Errorf("%s: %d lines\n%s", name, n, b.String())
		}
	}
}

func TestAfterABadReleaseANewerOneIsWaitedFor(t *testing.T) {
	v := status.View{Version: "2024.01.02-3", BadReleases: []status.BadRelease{{Version: "2024.01.02-3"}}}
	for newest, want := range map[string]string{
		"2024.01.02-3": "publish a newer release; when the line release shows it, run: neco recover",
		"2024.01.03-1": "run: neco recover; the next run is to 2024.01.03-1",
	} {
		v.Release.Newest = newest
		if got := v.HowToGoOn(); got != want {
			t.Errorf("newest %s: %q, want %q", newest, got, want)
		}
	}
}
