package stage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/cybozu-go/neco/pkg/stage"
)

var (
	look  = stage.NewName("look")
	begin = stage.NewName("begin")
	build = stage.NewName("build")
	other = stage.NewName("other")
)

// log records the calls of the stages' acts in these tests.
type log struct{ did []string }

func note(text string) func(context.Context, *log) error {
	return func(_ context.Context, l *log) error {
		l.did = append(l.did, text)
		return nil
	}
}

func table() stage.Table[*log] {
	return stage.Table[*log]{
		{Name: look, Says: "look around", Deadline: time.Minute, Check: true, NoRetry: true, Act: note("look")},
		{Name: begin, Says: "begin it", Deadline: time.Minute, Act: note("begin")},
		{Name: build, Says: "build it", Deadline: time.Minute, Act: note("build")},
	}
}

// newRunner returns a runner for stages, and the buffer with its output.
func newRunner(stages stage.Table[*log]) (*stage.Runner[*log], *bytes.Buffer) {
	out := &bytes.Buffer{}
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	now := func() time.Time {
		start = start.Add(time.Second)
		return start
	}
	return &stage.Runner[*log]{On: &log{}, Stages: stages, Out: &stage.Lines{Out: out, Now: time.Now}, Now: now}, out
}

// texts returns the lines of out without their times.
func texts(out *bytes.Buffer) []string {
	var all []string
	for line := range strings.Lines(out.String()) {
		all = append(all, strings.TrimSuffix(line[len("15:04:05  "):], "\n"))
	}
	return all
}

func TestStagesRunInOrderAndPrintTheirLines(t *testing.T) {
	r, out := newRunner(table())
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"look", "begin", "build"}, r.On.did); diff != "" {
		t.Error(diff)
	}
	want := []string{
		"look          look around", "look          done (1s)",
		"begin         begin it", "begin         done (1s)",
		"build         build it", "build         done (1s)",
	}
	if diff := cmp.Diff(want, texts(out)); diff != "" {
		t.Error(diff)
	}
}

func TestALineHasTheTimeTheStageAndNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	l := stage.Lines{Out: &out, Now: func() time.Time { return time.Date(2026, 11, 21, 7, 8, 9, 0, time.UTC) }}
	l.Say(stage.NewName("certificates"), "from %s", "a\x1b[2J\nb")
	l.Say(look, "x")
	stage.Plain{Out: &out}.Print(look, "a\x1b[2J\nb")
	want := "07:08:09  certificates  from a\\x1b[2J b\n07:08:09  look          x\na\\x1b[2J b\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestLinesOfSeveralGoroutinesDoNotMix(t *testing.T) {
	var out bytes.Buffer
	l := &stage.Lines{Out: &out, Now: time.Now}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { l.Say(look, "something") })
	}
	all.Wait()
	for _, text := range texts(&out) {
		if text != "look          something" {
			t.Errorf("%q", text)
		}
	}
	if n := len(texts(&out)); n != 8 {
		t.Errorf("%d lines", n)
	}
}

func TestARunThatChecksRunsTheChecksAndRecordsNothing(t *testing.T) {
	r, _ := newRunner(table())
	done := stage.Name{}
	r.CheckOnly, r.Done = true, &done
	r.Save = func(context.Context, stage.Name) error { return errors.New("saved") }
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"look"}, r.On.did); diff != "" || done != (stage.Name{}) {
		t.Errorf("%s, done: %s", diff, done)
	}
}

func TestATransientErrorIsRetriedAndPrintedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stages, n := table(), 0
		stages[1].Act = func(context.Context, *log) error {
			if n++; n < 4 {
				return &api.ResponseError{StatusCode: 500, Errors: []string{"failed to\ndelete"}}
			}
			return nil
		}
		r, out := newRunner(stages)
		if err := r.Run(t.Context()); err != nil || n != 4 {
			t.Errorf("%d times, %v", n, err)
		}
		var again []string
		for _, text := range texts(out) {
			if strings.Contains(text, "tries again") {
				again = append(again, text)
			}
		}
		if diff := cmp.Diff([]string{"begin         tries again: Vault answered 500: failed to delete"}, again); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsNotRetried(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		noRetry bool
	}{
		"an error that does not pass":        {errors.New("refused"), false},
		"a transient one of a stage that is": {rpctypes.ErrNoLeader, true},
	} {
		t.Run(name, func(t *testing.T) {
			stages, n := table(), 0
			stages[1].NoRetry = c.noRetry
			stages[1].Act = func(context.Context, *log) error {
				n++
				return c.err
			}
			r, out := newRunner(stages)
			err := r.Run(t.Context())
			var at *stage.Error
			if !errors.Is(err, c.err) || n != 1 || !errors.As(err, &at) || at.Stage != begin {
				t.Errorf("%d times, %v", n, err)
			}
			if !strings.HasPrefix(err.Error(), "begin: ") || slices.Contains(r.On.did, "build") {
				t.Errorf("error %q; did %v", err, r.On.did)
			}
			if strings.Contains(out.String(), "tries again") {
				t.Errorf("it said\n%s", out)
			}
		})
	}
}

func TestAStageEndsAtItsDeadlineWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(context.Context, *log) error
		want string
	}{
		"retries": {
			func(context.Context, *log) error { return rpctypes.ErrNoLeader },
			"begin: took longer than 3m0s: context deadline exceeded\n" + rpctypes.ErrNoLeader.Error(),
		},
		"an act that waits": {
			func(ctx context.Context, _ *log) error {
				<-ctx.Done()
				return context.Cause(ctx)
			},
			"begin: took longer than 3m0s: context deadline exceeded",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stages := table()
				stages[1].Act, stages[1].Deadline = c.act, 3*time.Minute
				r, _ := newRunner(stages)
				start := time.Now()
				err := r.Run(t.Context())
				if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("error %q, want %q", err, c.want)
				}
				if took := time.Since(start); took < 3*time.Minute || took > 3*time.Minute+time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func TestAHookIsNotBoundByTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, out := newRunner(table())
		var order []string
		hook := func(name string) func(context.Context, stage.Stage[*log]) error {
			return func(ctx context.Context, s stage.Stage[*log]) error {
				time.Sleep(time.Hour)
				order = append(order, name+" "+s.Name.String()+" with "+strings.Join(r.On.did, " "))
				return ctx.Err()
			}
		}
		r.Before, r.After = hook("before"), hook("after")
		if err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"before look with ", "after look with look",
			"before begin with look", "after begin with look begin",
			"before build with look begin", "after build with look begin build",
		}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("%s\n%s", diff, out)
		}
	})
}

func TestAHookThatFailsEndsTheRun(t *testing.T) {
	fails := errors.New("nobody comes")
	r, _ := newRunner(table())
	r.Before = func(_ context.Context, s stage.Stage[*log]) error {
		if s.Name == begin {
			return fails
		}
		return nil
	}
	err := r.Run(t.Context())
	if !errors.Is(err, fails) || err.Error() != "begin: nobody comes" || len(r.On.did) != 1 {
		t.Errorf("%v; did %v", err, r.On.did)
	}
}

func TestAStageThatIsNotNeededIsSkippedWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		says string
		want []string
	}{
		"with a text": {"begin it", []string{"begin         skipped: it has begun"}},
		"silent":      {"", nil},
	} {
		t.Run(name, func(t *testing.T) {
			stages := table()
			stages[1].Says = c.says
			stages[1].Skip = func(*log) string { return "it has begun" }
			stages[2].Skip = func(*log) string { return "" }
			r, out := newRunner(stages)
			done := stage.Name{}
			r.Done = &done
			r.Before = func(_ context.Context, s stage.Stage[*log]) error {
				if s.Name == begin {
					t.Error("the hook is called")
				}
				return nil
			}
			if err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"look", "build"}, r.On.did); diff != "" || done != build {
				t.Errorf("%s, done: %s", diff, done)
			}
			got := slices.DeleteFunc(texts(out), func(s string) bool { return !strings.HasPrefix(s, "begin") })
			if diff := cmp.Diff(c.want, got); diff != "" && len(c.want)+len(got) > 0 {
				t.Error(diff)
			}
		})
	}
}

func TestAStageWithoutAnActPrintsItsEndAlone(t *testing.T) {
	stages := table()[:1]
	stages[0].Act = nil
	r, out := newRunner(stages)
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"look          done (1s)"}, texts(out)); diff != "" {
		t.Error(diff)
	}
}

// saved is the state that an operation stores in Save.
type saved struct {
	Done stage.Name `json:"done,omitzero"`
}

func TestALaterAttemptKnowsWhatIsPastAndIsNeverLessFar(t *testing.T) {
	var p saved
	if err := json.Unmarshal([]byte(`{"done":"begin"}`), &p); err != nil {
		t.Fatal(err)
	}
	r, _ := newRunner(table())
	r.Done = &p.Done
	var did, done []string
	r.Save = func(_ context.Context, name stage.Name) error {
		if r.Stages.Past(p.Done, build) != (name == build) {
			t.Errorf("after %s: past %s", name, p.Done)
		}
		did, done = append(did, name.String()), append(done, p.Done.String())
		return nil
	}
	if err := r.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"look", "begin", "build"}, did); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"begin", "begin", "build"}, done); diff != "" {
		t.Error(diff)
	}
	if data, err := json.Marshal(p); err != nil || string(data) != `{"done":"build"}` {
		t.Errorf("%s, %v", data, err)
	}
	if data, err := json.Marshal(saved{}); err != nil || string(data) != `{}` {
		t.Errorf("%s, %v", data, err)
	}
}

func TestWhatIsPast(t *testing.T) {
	for _, c := range []struct {
		done, name stage.Name
		want       bool
	}{
		{stage.Name{}, look, false}, {begin, look, true}, {begin, begin, true}, {begin, build, false},
		{other, look, false}, // a stage of another version
	} {
		if got := table().Past(c.done, c.name); got != c.want {
			t.Errorf("done %q, past %s: %t", c.done, c.name, got)
		}
	}
}

func TestProgressThatCannotBeSavedEndsTheRun(t *testing.T) {
	full := errors.New("no space left on device")
	r, _ := newRunner(table())
	done := stage.Name{}
	r.Done = &done
	r.Save = func(_ context.Context, did stage.Name) error {
		if did == begin {
			return full
		}
		return nil
	}
	err := r.Run(t.Context())
	if !errors.Is(err, full) || err.Error() != "begin: no space left on device" || slices.Contains(r.On.did, "build") {
		t.Errorf("%v; did %v", err, r.On.did)
	}
}

func TestATableWithAMistakeIsRefused(t *testing.T) {
	for want, spoil := range map[string]func(stage.Table[*log]){
		"stage 2 has no name":              func(s stage.Table[*log]) { s[2].Name = stage.Name{} },
		"stage look is in the table twice": func(s stage.Table[*log]) { s[1].Name = look },
		"stage begin has no deadline":      func(s stage.Table[*log]) { s[1].Deadline = 0 },
	} {
		stages := table()
		spoil(stages)
		r, _ := newRunner(stages)
		if err := r.Run(t.Context()); err == nil || err.Error() != want || len(r.On.did) > 0 {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
