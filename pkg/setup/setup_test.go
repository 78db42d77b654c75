package setup

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"three":                  {Options{LRN: 1, LRNs: []int{2, 0, 1}}, ""},
		"five":                   {Options{LRN: 4, LRNs: []int{0, 1, 2, 3, 4}}, ""},
		"two":                    {Options{LRN: 0, LRNs: []int{0, 1}}, "at least 3"},
		"one twice":              {Options{LRN: 0, LRNs: []int{0, 1, 1}}, "twice"},
		"without this one":       {Options{LRN: 7, LRNs: []int{0, 1, 2}}, "boot server 7"},
		"a recipient that isn't": {Options{LRN: 0, LRNs: []int{0, 1, 2}, Recovery: []string{"me"}}, "recovery"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.o.Validate()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestStagesHaveNamesAndDeadlines(t *testing.T) {
	if err := stages().Validate(); err != nil {
		t.Error(err)
	}
	for _, s := range table() {
		if s.Says == "" || s.led == nil && s.Act == nil || s.Check != s.NoRetry {
			t.Errorf("%+v", s)
		}
	}
	// Positions are indices of the table, so a check must run its first stages.
	checks := planned(true).Names()
	if diff := cmp.Diff([]string{"preflight", "meet"}, checks); diff != "" || !slices.Equal(checks, Stages()[:len(checks)]) {
		t.Errorf("%s, of %v", diff, Stages())
	}
}

func TestASetupForOtherServersIsNotResumed(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	if err := (&progress{LRNs: []int{0, 1, 3}, Done: stageEtcd}).save(r.FS); err != nil {
		t.Fatal(err)
	}
	if err := r.begin(t.Context()); err == nil || !strings.Contains(err.Error(), "0, 1, 3") {
		t.Errorf("error %v", err)
	}
}

func TestASetupThatIsCompleteSaysSo(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	write(t, r.FS, neco.NecoConfFile, "x")
	if err := r.begin(t.Context()); !errors.Is(err, ErrComplete) {
		t.Errorf("error %v", err)
	}
}

func TestACheckLeavesNoTrace(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	r.TokenFile, r.CheckOnly = "/etc/neco/setup-token", true
	file := host.File{Path: r.TokenFile, Data: []byte(meet.NewToken().Reveal()), Mode: 0o600}
	if _, err := r.FS.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := r.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if exists(r.FS, Dir) {
		t.Error(Dir + " is there")
	}
}

func TestAServerWithDataOfAnotherClusterIsRefused(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	write(t, r.FS, memberDir+"/snap/db", "x")
	p := Preflight{Host: r.Host}
	if err := p.checkFresh(t.Context()); err == nil || !strings.Contains(err.Error(), "neco reset") {
		t.Errorf("error %v", err)
	}
	p.Began = true
	if err := p.checkFresh(t.Context()); err != nil {
		t.Errorf("a setup that goes on: %v", err)
	}
}

func TestPastStages(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	if r.past(stagePreflight) {
		t.Error("nothing was done")
	}
	r.progress.Done = stagePKI
	if !r.past(stageEtcd) || !r.past(stagePKI) || r.past(stageRevoke) {
		t.Error("the order of the table counts")
	}
}

func TestASetupThatWasCutOffWhileItTidiedUpIsComplete(t *testing.T) {
	for name, left := range map[string][]string{
		"before all":                   {"/etc/neco/setup-token", Dir + "/progress.json", Dir + "/channel.key"},
		"behind the token":             {Dir + "/progress.json", Dir + "/channel.key"},
		"behind the token and a file":  {Dir + "/channel.key"},
		"behind the token, dir's last": {Dir + "/progress.json"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, 0, meet.NewToken())
			r.TokenFile = "/etc/neco/setup-token"
			write(t, r.FS, neco.NecoConfFile, "x")
			r.progress.Done = complete
			for _, file := range left {
				if file == progressFile {
					if err := r.progress.save(r.FS); err != nil {
						t.Fatal(err)
					}
					continue
				}
				write(t, r.FS, file, "x")
			}
			if err := r.begin(t.Context()); !errors.Is(err, ErrComplete) {
				t.Errorf("error %v", err)
			}
			for _, p := range []string{r.TokenFile, Dir} {
				if exists(r.FS, p) {
					t.Error(p + " is still there")
				}
			}
		})
	}
}
