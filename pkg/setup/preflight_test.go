package setup

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

func TestAllChecksAreRunAndSayWhatTheyLookAt(t *testing.T) {
	root := host.FS{Root: t.TempDir()}
	var names []string
	for _, c := range (Preflight{Host: Host{FS: root}}).Checks() {
		if c.Examines == "" || c.Run == nil {
			t.Errorf("%+v", c)
		}
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"names", "addresses", "Docker", "earlier data", "ports", "disk"}, names); diff != "" {
		t.Error(diff)
	}
	one, two := errors.New("one"), errors.New("two")
	fails := func(err error) func(context.Context) error { return func(context.Context) error { return err } }
	found := Find(t.Context(), []Check{{"a", "x", fails(one)}, {"b", "x", fails(nil)}, {"c", "x", fails(two)}})
	if found.Error() != "a: one; c: two" || !errors.Is(found, one) || !errors.Is(found, two) {
		t.Errorf("%v", found)
	}
	if found := Find(t.Context(), []Check{{"b", "x", fails(nil)}}); len(found) > 0 {
		t.Errorf("%v", found)
	}
}

func TestEarlierDataIsJudgedByWhatTheServerIsToBecome(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	write(t, r.FS, progressFile, "{}\n")
	for name, c := range map[string]struct {
		p    Preflight
		data bool
		want string
	}{
		"a setup that goes on":     {Preflight{Began: true}, true, ""},
		"a setup over data":        {Preflight{}, true, "no setup was started here"},
		"a join beside a setup":    {Preflight{Joins: true}, false, "a neco setup was started here"},
		"a join over data":         {Preflight{Joins: true}, true, "data of a cluster that this server was in"},
		"a join that goes on":      {Preflight{Joins: true, Began: true}, true, "a neco setup was started here"},
		"a setup without any data": {Preflight{}, false, ""},
	} {
		c.p.Host = r.Host
		if c.data {
			write(t, r.FS, memberDir+"/snap/db", "x")
		} else if err := r.FS.RemoveDir(memberDir); err != nil {
			t.Fatal(err)
		}
		err := c.p.checkFresh(t.Context())
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
