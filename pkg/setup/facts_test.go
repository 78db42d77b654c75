package setup

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func facts(name string) Facts {
	return Facts{HostName: name, Version: "2026.11.21-1", Cluster: "dev", Time: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
}

func TestServersThatDoNotFitAreToldWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Facts)
		want   string
	}{
		"the same":              {func(*Facts) {}, ""},
		"another version":       {func(f *Facts) { f.Version = "2026.11.20-1" }, "install the same package"},
		"another data centre":   {func(f *Facts) { f.Cluster = "prod" }, "/etc/neco/cluster"},
		"the same host name":    {func(f *Facts) { f.HostName = "boot-0" }, `both have the host name "boot-0"`},
		"five seconds behind":   {func(f *Facts) { f.Time = f.Time.Add(-5 * time.Second) }, ""},
		"ten seconds behind":    {func(f *Facts) { f.Time = f.Time.Add(-10 * time.Second) }, "differs by 10s"},
		"an hour ahead":         {func(f *Facts) { f.Time = f.Time.Add(time.Hour) }, "differs by 1h"},
		"all of it is reported": {func(f *Facts) { f.Version, f.Cluster = "x", "y" }, "data centre"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts("boot-1")
			c.change(&f)
			err := f.differs(facts("boot-0"), time.Second)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestFollowersWithTheSameNameAreRefused(t *testing.T) {
	err := check(map[int]Facts{0: facts("boot-0"), 1: facts("twin"), 2: facts("twin")})
	if err == nil || !strings.Contains(err.Error(), "boot servers 1 and 2") {
		t.Error(err)
	}
}

func TestFactsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAssembly([]int{0, 1, 2}, nil)
		a.add(0, facts("boot-0"))
		a.add(1, facts("boot-1"))
		a.add(1, facts("boot-1")) // it was started again
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := a.wait(ctx); err == nil || !strings.Contains(err.Error(), "boot server 2") {
			t.Errorf("error %v", err)
		}
		a.add(2, facts("boot-2"))
		all, err := a.wait(t.Context())
		if err != nil || len(all) != 3 {
			t.Errorf("%v, %v", all, err)
		}
	})
}
