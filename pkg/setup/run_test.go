package setup

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/stage"
)

// TestProgressOfAnEarlierVersionIsRead reads the state of an older package, because the
// package may be updated between two attempts.
func TestProgressOfAnEarlierVersionIsRead(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	old := `{"lrns":[0,1,2],"flags":{"proxy":"http://a","no_revoke":true},"done":"pki",` +
		`"facts":{"1":{"host_name":"boot-1","bastion":"10.72.48.1","version":"2026.11.21-1","cluster":"dev","time":"2026-11-21T10:00:00Z"}},` +
		`"password_told":true}`
	write(t, r.FS, progressFile, old+"\n")
	var err error
	if r.progress, err = loadProgress(r.FS); err != nil {
		t.Fatal(err)
	}
	if !r.past(stagePKI) || r.past(stageReissue) || r.done() || !r.progress.PasswordTold || r.progress.Facts[1].HostName != "boot-1" {
		t.Errorf("%+v", r.progress)
	}
	if data, err := json.Marshal(r.progress); err != nil || string(data) != old {
		t.Errorf("written as\n%s, want\n%s (%v)", data, old, err)
	}
	if data, err := json.Marshal(progress{LRNs: []int{0}}); err != nil || string(data) != `{"lrns":[0],"flags":{}}` {
		t.Errorf("before the first stage: %s, %v", data, err)
	}
}

// barrier is a link on which the other servers are never late.
type barrier struct {
	link
	waits []string
	err   error
}

func (b *barrier) await(_ context.Context, p Position, led bool, _ func([]int)) error {
	b.waits = append(b.waits, stages()[p.Stage].Name.String()+map[bool]string{true: " led"}[led])
	return b.err
}

// onlyStages returns a runner that has only the stages called names.
func onlyStages(r *run, names ...stage.Name) *stage.Runner[*run] {
	runner := r.runner()
	runner.Stages = slices.DeleteFunc(runner.Stages, func(s each) bool { return !slices.Contains(names, s.Name) })
	return runner
}

// lines returns the lines that the run r has printed, without their times.
func lines(r *run) []string {
	var all []string
	for line := range strings.Lines(said(r)) {
		all = append(all, strings.TrimSuffix(line[len("15:04:05  "):], "\n"))
	}
	return all
}

func TestTheLeadersPartOfAStageIsDoneByTheLeaderAlone(t *testing.T) {
	for lrn, want := range []struct {
		waits, says []string
		made        bool
	}{
		{
			[]string{"authorities", "authorities led"},
			[]string{"authorities   create the CAs, for all servers", "authorities   done (0s)"}, true,
		},
		{[]string{"authorities led"}, []string{"authorities   done (0s)"}, false},
	} {
		r, b := newRun(t, lrn, meet.NewToken()), &barrier{}
		now := time.Now()
		r.Now, r.link = func() time.Time { return now }, b
		if err := onlyStages(r, stageAuthorities).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.waits, b.waits); diff != "" {
			t.Errorf("boot server %d: %s", lrn, diff)
		}
		if diff := cmp.Diff(want.says, lines(r)); diff != "" {
			t.Errorf("boot server %d: %s", lrn, diff)
		}
		if made := len(r.state().authorities) > 0; made != want.made {
			t.Errorf("boot server %d has authorities: %t", lrn, made)
		}
		if p, err := loadProgress(r.FS); err != nil || p == nil || p.Done != stageAuthorities {
			t.Errorf("boot server %d: %+v, %v", lrn, p, err)
		}
	}
}

func TestAStageForWhichTheOthersDoNotComeIsNotDone(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	r.link = &barrier{err: errors.New("nobody comes")}
	err := onlyStages(r, stageAuthorities).Run(t.Context())
	if err == nil || err.Error() != "authorities: nobody comes" || len(r.state().authorities) > 0 || len(lines(r)) > 0 {
		t.Errorf("%v; it said %v", err, lines(r))
	}
}

// TestTheFirstStageLeavesNoTrace checks that a setup for the wrong servers does not
// count as started.
func TestTheFirstStageLeavesNoTrace(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	if err := r.runner().Record(t.Context(), stagePreflight); err != nil || exists(r.FS, Dir) {
		t.Errorf("%s is there, or %v", Dir, err)
	}
	if err := r.runner().Record(t.Context(), stageMeet); err != nil || !exists(r.FS, progressFile) {
		t.Errorf("%s is not there, or %v", progressFile, err)
	}
}

func TestAWaitForTheOthersEndsWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := withDeadline(t.Context(), patience, "the other boot servers")
		defer cancel()
		<-ctx.Done()
		if want := "the other boot servers: took longer than 30m0s: context deadline exceeded"; context.Cause(ctx).Error() != want {
			t.Errorf("%v, want %s", context.Cause(ctx), want)
		}
	})
}
