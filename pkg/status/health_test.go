package status_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheViewFitsIntoItsColumns(t *testing.T) {
	for name, snap := range views() {
		for _, width := range []int{60, status.Width} {
			var b bytes.Buffer
			if err := view(snap, *clock(10 * time.Minute)).RenderTo(&b, width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(b.String()) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width {
					t.Errorf("%s: %d columns of %d: %s", name, n, width, line)
				}
			}
		}
	}
}

func TestTheHeadlineSaysWhatIsWrong(t *testing.T) {
	at := *clock(10 * time.Minute)
	healthy := membership.Cluster{
		{Name: "boot-0", PeerURL: "https://10.69.0.3:2380", Healthy: true, Leader: true, Size: 5 << 20, Quota: 2 << 30},
		{Name: "boot-1", PeerURL: "https://10.69.0.195:2380", Healthy: true},
	}
	sick := slices.Clone(healthy)
	sick[1].Healthy, sick[1].Trouble = false, "it does not answer at https://10.69.0.195:2379"
	alarm := slices.Clone(healthy)
	alarm[0].Healthy, alarm[0].Trouble = false, "alarm NOSPACE"
	full := slices.Clone(healthy)
	full[0].Size = 1900 << 20
	tests := []struct {
		name   string
		snap   func() *storage.Snapshot
		change func(*status.View)
		health status.Health
		want   []string
	}{
		{"nothing", complete, func(v *status.View) { v.AddEtcd(healthy) }, status.Healthy, nil},
		{"an update runs", running, func(*status.View) {}, status.Updating, nil},
		{"a server is dead after a complete update", func() *storage.Snapshot {
			s := complete()
			delete(s.Presence, 1)
			s.Heartbeats = beats(*clock(7 * time.Minute))
			return s
		}, func(*status.View) {}, status.Degraded, []string{"boot server 1 has been silent since 2024-01-02 15:07:00Z"}},
		{"workers restart while the package is installed", func() *storage.Snapshot {
			s := running()
			delete(s.Presence, 1)
			s.Heartbeats = beats(at.Add(-10 * time.Second))
			return s
		}, func(*status.View) {}, status.Updating, nil},
		{"nobody leads", func() *storage.Snapshot {
			s := complete()
			s.Updaters = storage.Election{}
			return s
		}, func(*status.View) {}, status.Degraded,
			[]string{"no neco-updater leads"}},
		{"a member of etcd fails", complete, func(v *status.View) { v.AddEtcd(sick) }, status.Degraded,
			[]string{"member of etcd on boot server 1: it does not answer at https://10.69.0.195:2379"}},
		{"an alarm", complete, func(v *status.View) { v.AddEtcd(alarm) }, status.Degraded,
			[]string{"member of etcd on boot server 0: alarm NOSPACE"}},
		{"the space is nearly used up", complete, func(v *status.View) { v.AddEtcd(full) }, status.Degraded,
			[]string{"member of etcd on boot server 0 uses 92 % of its space quota"}},
		{"stopped", func() *storage.Snapshot {
			s := running()
			s.Request.Stop = true
			return s
		}, func(*status.View) {}, status.Halted, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := view(tt.snap(), at)
			tt.change(&v)
			v.Judge()
			if v.Health != tt.health {
				t.Errorf("health %q, want %q", v.Health, tt.health)
			}
			if diff := cmp.Diff(tt.want, v.Problems, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// refused is the message of a step that has failed because dpkg refused the package, with
// dpkg's output.
const refused = "install neco 9999.12.31-99999: it is half-installed: refused by dpkg: "

func TestALongMessageKeepsItsSymptomAndItsCause(t *testing.T) {
	output := strings.Repeat("Unpacking neco (9999.12.31-99999) over (2024.01.02-3) ... ", 20) + "dpkg: error processing package neco (--install): exit status 2"
	for name, spoil := range map[string]func(*storage.Snapshot){
		"tries again": func(s *storage.Snapshot) {
			report(s, 1, 0, neco.CondRunning, "tries again: step 0 (package) install: "+refused+output)
		},
		"gave up": func(s *storage.Snapshot) {
			report(s, 1, 0, neco.CondAbort, "step 0 (package) install on boot server 1: "+refused+output)
		},
	} {
		s := running()
		spoil(s)
		var b bytes.Buffer
		if err := view(s, *clock(10 * time.Minute)).Render(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"step 0 (package) install", refused[:len(refused)-2], "package neco (--install): exit status 2"} {
			if text := unwrapped(b); !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", name, want, text)
			}
		}
	}
}

func TestServersThatReportTheSameAreNamedTogether(t *testing.T) {
	s := running()
	for lrn := range 3 {
		report(s, lrn, 0, neco.CondRunning, "tries again: step 0 (package) install: "+refused+"no")
	}
	v := view(s, *clock(10 * time.Minute))
	v.Judge()
	want := []string{"remove the cause that boot servers 0, 1, 2 report, or end the update: neco stop"}
	if diff := cmp.Diff(want, v.ToDo); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	if err := v.Render(&b); err != nil {
		t.Fatal(err)
	}
	text := unwrapped(b)
	if !strings.Contains(text, "boot servers 0, 1, 2: tries again: step 0 (package) install: ") || strings.Count(text, "refused by dpkg") != 1 {
		t.Error(b.String())
	}
	if todo, cause := strings.Index(text, "to do "), strings.Index(text, "tries again"); todo > cause || cause > strings.Index(text, "release ") {
		t.Errorf("on a small screen the cause is not seen:\n%s", b.String())
	}
	for lrn := range 3 {
		report(s, lrn, 0, neco.CondAbort, fmt.Sprintf("step 0 (package) install on boot server %d: %sno", lrn, refused))
	}
	b.Reset()
	if err := view(s, *clock(10 * time.Minute)).Render(&b); err != nil {
		t.Fatal(err)
	}
	if text := unwrapped(b); !strings.Contains(text, "boot servers 1, 2: as in reason") || strings.Count(text, "refused by dpkg") != 1 {
		t.Error(b.String())
	}
}

// TestTheReasonIsSaidOnceWhenServersHaveLeftForIt: each server reports the reason with
// a different prefix.
func TestTheReasonIsSaidOnceWhenServersHaveLeftForIt(t *testing.T) {
	const symptom = "stage package: malformed digest file"
	s := running()
	s.Request.Stop, s.Request.Reason = true, "step 0 (package) download on boot server 2: "+symptom
	report(s, 0, 0, neco.CondAbort, "boot server 2 aborted: step 0 (package) download: "+symptom)
	report(s, 1, 0, neco.CondAbort, "the run was stopped: "+s.Request.Reason)
	report(s, 2, 0, neco.CondAbort, "step 0 (package) download: "+symptom)
	v := view(s, *clock(10 * time.Minute))
	v.Judge()
	var b bytes.Buffer
	if err := v.Render(&b); err != nil {
		t.Fatal(err)
	}
	if text := unwrapped(b); strings.Count(text, symptom) != 1 || strings.Contains(text, "as in reason") {
		t.Error(b.String())
	}
}

// beats returns a heartbeat of boot server 1.
func beats(at time.Time) map[int]storage.Heartbeat {
	return map[int]storage.Heartbeat{1: {At: at}}
}

// withHeartbeats returns the view of a complete run one hour after its start, with
// heartbeats of the given ages.
func withHeartbeats(t *testing.T, spoil func(*storage.Snapshot), ages ...time.Duration) status.View {
	t.Helper()
	at := *clock(time.Hour)
	s := complete()
	s.Check.CheckedAt = &at
	spoil(s)
	s.Heartbeats = map[int]storage.Heartbeat{}
	for lrn, age := range ages {
		s.Heartbeats[lrn] = storage.Heartbeat{At: at.Add(-age)}
	}
	v := view(s, at)
	v.Judge()
	return v
}

// TestHealthDoesNotFlapWhenAMajorityReturns checks the health in each state after an
// outage of etcd: first etcd has extended all leases, then the living workers write
// heartbeats, and at last the lease of the dead worker expires.
func TestHealthDoesNotFlapWhenAMajorityReturns(t *testing.T) {
	const out = 4*time.Minute + 30*time.Second
	keep := func(*storage.Snapshot) {}
	dead := func(s *storage.Snapshot) { delete(s.Presence, 1) }
	for name, c := range map[string]struct {
		spoil  func(*storage.Snapshot)
		ages   []time.Duration
		silent []int
	}{
		"before":                            {keep, []time.Duration{9 * time.Second, 14 * time.Second, 0}, nil},
		"no heartbeat yet":                  {keep, []time.Duration{out, out, out}, []int{0, 1, 2}},
		"two have heartbeats, all a lease":  {keep, []time.Duration{time.Second, out, time.Second}, []int{1}},
		"the lease of the dead one ends":    {dead, []time.Duration{9 * time.Second, out, 3 * time.Second}, []int{1}},
		"a living one has lost its lease":   {dead, []time.Duration{9 * time.Second, 20 * time.Second, 3 * time.Second}, nil},
		"its clock is ahead":                {keep, []time.Duration{9 * time.Second, -20 * time.Second, 3 * time.Second}, nil},
		"a dead one whose clock ran far on": {dead, []time.Duration{9 * time.Second, -time.Hour, 3 * time.Second}, []int{1}},
	} {
		v := withHeartbeats(t, c.spoil, c.ages...)
		var silent []int
		for _, s := range v.Servers {
			if strings.Contains(strings.Join(v.Problems, ";"), fmt.Sprintf("boot server %d has been silent since", s.LRN)) {
				silent = append(silent, s.LRN)
			}
		}
		if diff := cmp.Diff(c.silent, silent); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if degraded := v.Health == status.Degraded; degraded != (len(c.silent) > 0) || len(v.Problems) != len(c.silent) {
			t.Errorf("%s: %s, %q", name, v.Health, v.Problems)
		}
	}
}

func TestAnOldHeartbeatCountsMoreThanALease(t *testing.T) {
	v := withHeartbeats(t, func(s *storage.Snapshot) { report(s, 1, 6, neco.CondRunning, "") }, 0, 5*time.Minute, 0)
	if s := v.Servers[1]; s.Worker != nil || s.State != status.ServerUnknown || s.SilentSince == nil {
		t.Errorf("%+v", s)
	}
	if diff := cmp.Diff([]string{"on boot server 1: systemctl status neco-worker"}, v.ToDo); diff != "" {
		t.Error(diff)
	}
}

func TestWhatToDoIsSaidForEachProblem(t *testing.T) {
	s := complete()
	delete(s.Presence, 1)
	delete(s.Presence, 2)
	s.Updaters = storage.Election{}
	v := view(s, *clock(time.Hour))
	v.AddEtcd(membership.Cluster{{Name: "boot-2", Trouble: "it has no leader"}})
	v.AddVaults(map[int]string{0: "Vault is sealed; run there: neco vault unseal"})
	v.Judge()
	if want := "member of etcd on boot server 2: it has no leader"; !slices.Contains(v.Problems, want) {
		t.Errorf("no %q in %q", want, v.Problems)
	}
	want := []string{
		"on boot servers 1, 2: systemctl status neco-worker",
		"on boot server 2: systemctl status etcd-container",
		"on boot server 0: neco vault unseal",
		"on boot servers 0, 1, 2: systemctl status neco-updater",
	}
	if diff := cmp.Diff(want, v.ToDo); diff != "" {
		t.Error(diff)
	}
}

func TestTheServerThatHoldsTheLockIsWaitedFor(t *testing.T) {
	s := running()
	for lrn := range 3 {
		report(s, lrn, 6, neco.CondRunning, "")
	}
	s.Lockers = leader("2")
	v := view(s, *clock(10 * time.Minute))
	var b bytes.Buffer
	if err := v.Render(&b); err != nil {
		t.Fatal(err)
	}
	if text := unwrapped(b); !strings.Contains(text, "waiting for boot server 2 to finish step 6 (serf)") || !strings.Contains(text, "; then boot servers 0, 1") {
		t.Error(text)
	}
}

// TestAServerIsAwaitedSinceItsArrival checks that a new message of the server does not
// change this time.
func TestAServerIsAwaitedSinceItsArrival(t *testing.T) {
	s := running()
	st := s.Statuses[1]
	st.Since, st.At = clock(5*time.Minute), clock(9*time.Minute)
	s.Statuses[1] = st
	if got := view(s, *clock(10 * time.Minute)).Awaited; got == nil || got.Since == nil || !got.Since.Equal(*clock(5 * time.Minute)) {
		t.Errorf("awaited %+v", got)
	}
}
