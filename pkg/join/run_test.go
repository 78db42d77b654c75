package join

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/stage"
)

func TestTheTablesOfStagesAreWhole(t *testing.T) {
	if err := table().Validate(); err != nil {
		t.Error(err)
	}
	if err := departure().Validate(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"preflight", "trust"}, table().Checks().Names()); diff != "" {
		t.Error(diff)
	}
	var once []string
	for _, s := range table() {
		if s.Act == nil || s.Says == "" {
			t.Errorf("%s does or says nothing", s.Name)
		}
		if s.NoRetry {
			once = append(once, s.Name.String())
		}
	}
	if diff := cmp.Diff([]string{"preflight", "trust", "login"}, once); diff != "" {
		t.Errorf("what may ask for a password is not retried: %s", diff)
	}
}

// TestProgressOfAnEarlierVersionIsRead reads the state of an older package, because the
// package may be updated between two attempts.
func TestProgressOfAnEarlierVersionIsRead(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	old := `{"token":"8f2a","secret":"ONCE"}` + "\n"
	if _, err := fsys.Write(host.File{Path: progressFile, Data: []byte(old), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	p, err := loadProgress(fsys)
	if err != nil || p == nil || p.Token != "8f2a" || p.Secret != "ONCE" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAJoinPrintsItsStagesAndEndsWithTheOneThatFails(t *testing.T) {
	var out bytes.Buffer
	r := &run{Options: Options{
		Host: setup.Host{FS: host.FS{Root: t.TempDir()}}, Self: someToken.Subject(), Token: &someToken, Out: &out, Now: time.Now,
	}}
	r.lines = &stage.Lines{Out: &out, Now: r.Now}
	err := r.runner().Run(t.Context())
	if !errors.Is(err, ErrTokenExpired) || !strings.HasPrefix(err.Error(), "preflight: TokenExpired: ") {
		t.Errorf("error %v", err)
	}
	if text := out.String(); !strings.HasSuffix(text, "  preflight     check whether this server is ready\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("it said %q", text)
	}
}

// departed returns a runner for the departure d, and the list of the stages that it has
// run. Instead of acting, each stage adds its name to the list; the stage fails returns
// the error with.
func departed(d Departure, fails stage.Name, with error) (*stage.Runner[Departure], *[]string) {
	r, did := d.runner(), &[]string{}
	for n, s := range r.Stages {
		r.Stages[n].Act = func(context.Context, Departure) error {
			*did = append(*did, s.Name.String())
			if s.Name == fails {
				return with
			}
			return nil
		}
	}
	return r, did
}

func TestADepartureThatIsFinishedDoesNotBeginAgain(t *testing.T) {
	var out bytes.Buffer
	begins := []string{"check", "hand-over", "begin", "unregister"}
	ends := []string{"users", "locks", "role", "keys", "rekey", "root", "forget"}
	for name, c := range map[string]struct {
		unregister func(context.Context) error
		want       []string
	}{
		"registered": {func(context.Context) error { return nil }, append(begins, ends...)},
		"gone":       {nil, ends},
	} {
		r, did := departed(Departure{Out: &out, Now: time.Now, Unregister: c.unregister}, stage.Name{}, nil)
		if err := r.Run(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(c.want, *did); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if out.Len() > 0 {
		t.Errorf("it said %q", &out)
	}
}

func TestADepartureIsUnfinishedOnceTheRegistrationHasGone(t *testing.T) {
	broken := errors.New("broken")
	for _, s := range departure() {
		d := Departure{Out: &bytes.Buffer{}, Now: time.Now, Unregister: func(context.Context) error { return nil }}
		r, did := departed(d, s.Name, broken)
		err := r.Run(t.Context())
		if !errors.Is(err, broken) || (*did)[len(*did)-1] != s.Name.String() {
			t.Errorf("%s: %v after %v", s.Name, err, *did)
		}
		if want := len(*did) > 4; Unfinished(err) != want {
			t.Errorf("it failed in %s; unfinished: %t", s.Name, !want)
		}
	}
	if Unfinished(nil) || Unfinished(broken) {
		t.Error("what is no error of a departure leaves nothing to finish")
	}
}

func TestAStageOfADepartureHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := Departure{Out: &bytes.Buffer{}, Now: time.Now, Unregister: func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		err := only(d, stageUnregister).Run(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "unregister: took longer than 2m0s") {
			t.Errorf("error %v", err)
		}
	})
}
