package status_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

const version = "2024.01.02-3"

// clock returns the time d after the start of the run.
func clock(d time.Duration) *time.Time {
	t := time.Date(2024, 1, 2, 15, 0, 0, 0, time.UTC).Add(d)
	return &t
}

// running returns the state ten minutes after the start of a run of three servers:
// servers 0 and 2 have arrived at step 6, and server 1 is at step 5.
func running() *storage.Snapshot {
	s := &storage.Snapshot{
		State: update.State{
			Revision:   120,
			Registered: []int{0, 1, 2},
			Request: &update.Request{
				UpdateRequest: neco.UpdateRequest{Version: version, Servers: []int{0, 1, 2}, StartedAt: *clock(0)}, Rev: 100,
			},
			Statuses: map[int]update.Status{}, Presence: map[int]update.Presence{},
		},
		Release: version,
		Check:   &storage.ReleaseCheck{CheckedAt: clock(9 * time.Minute)},
		Config: storage.Config{Env: neco.ProdEnv, CheckInterval: 10 * time.Minute, WorkerTimeout: time.Hour,
			ReleaseTime: "* * * * *", ReleaseTimezone: "Asia/Tokyo"},
	}
	for lrn := range 3 {
		s.Presence[lrn] = update.Presence{Version: version, PID: 100 + lrn, Since: *clock(time.Minute)}
	}
	report(s, 0, 6, neco.CondRunning, "")
	report(s, 1, 5, neco.CondRunning, "")
	report(s, 2, 6, neco.CondRunning, "waits for the lock")
	return s
}

func report(s *storage.Snapshot, lrn, step int, cond neco.UpdateCondition, message string) {
	s.Statuses[lrn] = update.Status{
		UpdateStatus: neco.UpdateStatus{Version: version, Step: step, Cond: cond, Message: message},
		StartedAt:    clock(0), At: clock(time.Duration(step) * time.Minute), Rev: 110,
	}
}

func note(s *storage.Snapshot, lrn int, notes ...string) {
	st := s.Statuses[lrn]
	st.Notes = notes
	s.Statuses[lrn] = st
}

func complete() *storage.Snapshot {
	s := running()
	for lrn := range 3 {
		report(s, lrn, 18, neco.CondComplete, "")
	}
	return s
}

func views() map[string]*storage.Snapshot {
	none := running()
	none.Request, none.Release, none.Check, none.Statuses = nil, "", nil, map[int]update.Status{}
	empty := &storage.Snapshot{Config: storage.Config{Env: neco.NoneEnv}}

	silent := running()
	delete(silent.Presence, 1)

	begun := running()
	delete(begun.Statuses, 2)
	delete(begun.Presence, 2)

	phase := running()
	for lrn := range 3 {
		report(phase, lrn, 0, neco.CondRunning, "")
	}
	st := phase.Statuses[1]
	st.Phase = 1
	phase.Statuses[1] = st

	finish := complete()
	report(finish, 2, 18, neco.CondRunning, "")

	giveUp := running()
	report(giveUp, 1, 5, neco.CondAbort, "step 5 (setup-hw) converge on boot server 1: StepDeadline")

	stopped := running()
	report(stopped, 1, 5, neco.CondAbort, "no space")
	stopped.Request.Stop, stopped.Request.Outcome, stopped.Request.Reason = true, update.OutcomeAborted, "no space"

	long := running()
	report(long, 1, 0, neco.CondAbort, "step 0 (package) download on boot server 1: get https://releases.example.com/"+strings.Repeat("cybozu/", 12)+"neco.deb: not found")
	long.Malformed = []storage.MalformedKey{{Key: "contents/" + strings.Repeat("x", 90), Err: errors.New(strings.Repeat("no JSON object ", 10))}}

	original := running()
	original.Request.Stop = true
	original.Statuses[0] = update.Status{UpdateStatus: neco.UpdateStatus{Version: version, Step: 3, Cond: neco.CondRunning}, Rev: 130}
	original.Presence = map[int]update.Presence{}

	joins := complete()
	joins.Registered = []int{0, 1, 2, 10}
	joins.Presence[10] = update.Presence{Version: version, Since: *clock(time.Minute)}
	joins.Check.StaleSince, joins.Check.Error = clock(5*time.Minute), "list releases: 503 Service Unavailable"
	joins.Release = "2024.01.03-1"

	absent := complete()
	absent.Release = "2024.01.03-1"
	for _, lrn := range []int{1, 2} {
		delete(absent.Presence, lrn)
		st := absent.Statuses[lrn]
		st.HostID = "some-host"
		absent.Statuses[lrn] = st
	}

	noted := complete()
	digest := "etcdpasswd v1.4.0 not installed: digest unknown; here is 1.3.0"
	note(noted, 0, digest)
	note(noted, 1, "sabakan-contents skipped: no SSH key; run: neco ssh generate", digest)

	unlooked := complete()
	unlooked.Config.CheckInterval = time.Minute
	unlooked.Check.CheckedAt = clock(-time.Hour)

	withdrawn := complete()
	withdrawn.Check.Withdrawn = version
	withdrawn.Check.Skipped = []string{"release-2062.11.22-1\x1b"}

	bad := stoppedAtDownload()

	closed := complete()
	closed.Config.ReleaseTime = "* 9-17 * * *" // it is midnight in Tokyo
	closed.Check.CheckedAt = clock(-6 * time.Hour)

	left := running()
	left.Registered = []int{0, 1}

	hostile := running()
	report(hostile, 0, 6, neco.CondRunning, "\x1b[2Jgone\nLRN "+strings.Repeat("long ", 60))
	hostile.Malformed = []storage.MalformedKey{
		{Key: "status/bootservers/x\n", Err: errors.New(`"x\n" is not a logical rack number`)},
		{Key: "contents/cke", Err: errors.New("not a JSON object")},
	}

	unreadable := running()
	unreadable.Request = nil
	unreadable.UnreadableRequest = errors.New("not a JSON object")
	unreadable.Malformed = []storage.MalformedKey{{Key: storage.KeyRequest, Err: errors.New("not a JSON object")}}

	later := running()
	report(later, 0, 31, neco.CondRunning, "")
	return map[string]*storage.Snapshot{
		"nothing was requested":                    none,
		"nothing is there":                         empty,
		"a server is awaited":                      running(),
		"an awaited server is silent":              silent,
		"a server has not begun":                   begun,
		"a phase is awaited":                       phase,
		"the last server finishes":                 finish,
		"a server gave up":                         giveUp,
		"stopped for a reason":                     stopped,
		"the original stopped a run":               original,
		"words are longer than a line":             long,
		"complete":                                 complete(),
		"a server joins and the release is stale":  joins,
		"a newer release waits for silent servers": absent,
		"nobody looks for releases":                unlooked,
		"a completed server has a note":            noted,
		"a release is withdrawn and one skipped":   withdrawn,
		"a release is bad":                         bad,
		"no release is taken now":                  closed,
		"a member has left":                        left,
		"hostile text and malformed keys":          hostile,
		"the request is unreadable":                unreadable,
		"a newer version has steps we do not know": later,
	}
}

// stoppedAtDownload returns the state after a run was stopped because its release is
// faulty.
func stoppedAtDownload() *storage.Snapshot {
	s := running()
	const reason = "step 0 (package) download on boot server 1: digest mismatch"
	report(s, 1, 0, neco.CondAbort, reason)
	s.Request.Stop, s.Request.Outcome, s.Request.Reason = true, update.OutcomeAborted, reason
	s.Bad = map[string]storage.BadRelease{version: {Reason: reason, LRN: 1, At: *clock(5 * time.Minute)}}
	return s
}

// view returns the view of the snapshot s. If s has no candidates for the leadership, the
// updater on boot-0 leads.
func view(s *storage.Snapshot, at time.Time) status.View {
	if s.Updaters == nil {
		s.Updaters = leader("boot-0")
	}
	return status.New(s, steps.Table(), at)
}

// leader returns an election that the candidate called value has won.
func leader(value string) storage.Election {
	return storage.Election{"/1a": {Value: value, Rev: 10}, "/1": {Value: "boot-99", Rev: 11}}
}

// unwrapped returns text without its line breaks.
func unwrapped(b bytes.Buffer) string { return strings.Join(strings.Fields(b.String()), " ") }

func TestRender(t *testing.T) {
	for name, snap := range views() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := view(snap, *clock(10 * time.Minute)).Render(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(name, " ", "-")+".txt", b.Bytes())
		})
	}
}

func TestJSONIsStable(t *testing.T) {
	for _, name := range []string{"an awaited server is silent", "a server joins and the release is stale", "a newer release waits for silent servers", "hostile text and malformed keys", "a release is bad"} {
		t.Run(name, func(t *testing.T) {
			v := view(views()[name], *clock(10 * time.Minute))
			v.Judge()
			data, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.ReplaceAll(name, " ", "-")+".json", append(data, '\n'))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestSilentServerIsNeverShownAsRunning(t *testing.T) {
	for cond := neco.CondNotRunning; cond <= neco.CondComplete; cond++ {
		t.Run(neco.UpdateCondition(cond).String(), func(t *testing.T) {
			s := running()
			delete(s.Presence, 1)
			report(s, 1, 5, neco.UpdateCondition(cond), "")
			v := status.New(s, steps.Table(), *clock(time.Hour))
			if got := v.Servers[1].State; got == status.ServerRunning || got == status.ServerWaiting {
				t.Errorf("state %q", got)
			}
			if v.Servers[1].SilentSince == nil {
				t.Error("no word of the silence")
			}
		})
	}
}

func TestChanges(t *testing.T) {
	at := *clock(10 * time.Minute)
	tests := []struct {
		name   string
		change func(*storage.Snapshot)
		want   []string
	}{
		{"nothing but time", func(*storage.Snapshot) {}, nil},
		{"a server goes on", func(s *storage.Snapshot) { report(s, 1, 6, neco.CondRunning, "") },
			[]string{"boot server 1: step 6/18 serf"}},
		{"a server falls silent", func(s *storage.Snapshot) { delete(s.Presence, 1) },
			[]string{"boot server 1: unknown, step 5/18 setup-hw, silent since 2024-01-02 15:05:00Z"}},
		{"all complete", func(s *storage.Snapshot) {
			for lrn := range 3 {
				report(s, lrn, 18, neco.CondComplete, "")
			}
		}, []string{"update 2024.01.02-3 complete; started 2024-01-02 15:00:00Z",
			"boot server 0: completed", "boot server 1: completed", "boot server 2: completed"}},
		{"stopped", func(s *storage.Snapshot) { s.Request.Stop, s.Request.Reason = true, "no space" },
			[]string{"update 2024.01.02-3 stopped; started 2024-01-02 15:00:00Z: no space",
				"boot server 0: stopped, step 6/18 serf", "boot server 1: stopped, step 5/18 setup-hw",
				"boot server 2: stopped, step 6/18 serf: waits for the lock"}},
		{"a release appears", func(s *storage.Snapshot) { s.Release = "2024.02.01-1" },
			[]string{"release 2024.02.01-1 is known"}},
		{"a server reports a note", func(s *storage.Snapshot) { note(s, 1, "no sshd here") },
			[]string{"boot server 1: no sshd here"}},
		{"a key is malformed", func(s *storage.Snapshot) {
			s.Malformed = []storage.MalformedKey{{Key: "status/x", Err: errors.New("foreign key")}}
		}, []string{"malformed key status/x: foreign key"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := status.New(running(), steps.Table(), at)
			s := running()
			tt.change(s)
			got := status.New(s, steps.Table(), at.Add(time.Second)).Changes(old)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func ExampleView_Changes() {
	before, after := running(), running()
	report(after, 1, 6, neco.CondRunning, "")
	at := time.Date(2024, 1, 2, 15, 10, 0, 0, time.UTC)
	for _, line := range status.New(after, steps.Table(), at).Changes(status.New(before, steps.Table(), at)) {
		fmt.Println(line)
	}
	// Output: boot server 1: step 6/18 serf
}
