package update

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
)

var started = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const newVersion, oldVersion = "2026.11.21-2", "2026.11.20-9"

func order(a, b string) (int, error) { return strings.Compare(a, b), nil }

func testTable() Table {
	d := time.Minute
	return Table{
		{N: 0, Name: "package", Actions: []Action{{Name: "download", Deadline: d}, {Name: "install", Phase: 1, Deadline: d}}},
		{N: 1, Name: "images", Actions: []Action{{Name: "pull", Deadline: d}}},
		{N: 2, Name: "etcd", Actions: []Action{{Name: "join", Kind: Rolling, Deadline: d}}},
		{N: 3, Name: "stop", Actions: []Action{{Name: "stop", Stops: "cke", Transient: true, Deadline: d}}},
		{N: 4, Name: "serf", Actions: []Action{{Name: "write", Deadline: d}, {Name: "restart", Kind: Rolling, Deadline: d}}},
		{N: 5, Name: "start", Actions: []Action{{Name: "start", Starts: "cke", Transient: true, Deadline: d}}},
		{N: 6, Name: "contents", Actions: []Action{{Name: "upload", Kind: Once, Record: "sabakan", Deadline: d}}},
	}
}

// state returns the shared state in a run of three servers that have these statuses.
func state(statuses map[int]Status) State {
	r := &Request{UpdateRequest: neco.UpdateRequest{Version: newVersion, Servers: []int{10, 0, 2}, StartedAt: started}, Rev: 100}
	return State{Revision: 200, Request: r, Registered: []int{0, 2, 10}, Statuses: statuses,
		Records: map[string]Record{}, Switches: map[string]Switch{}, UnreadableSwitches: map[string]error{}}
}

func at(step, phase int, cond neco.UpdateCondition) Status {
	st := Status{StartedAt: &started, Phase: phase, Rev: 150}
	st.Version, st.Step, st.Cond = newVersion, step, cond
	return st
}

func allAt(step, phase int) map[int]Status {
	st := at(step, phase, neco.CondRunning)
	return map[int]Status{0: st, 2: st, 10: st}
}

func member(p Place) Member {
	return Member{LRN: 0, Version: newVersion, HostID: "h", Run: RunID{newVersion, started}, At: p}
}

// TestDecide is long because it is one table: each row is a sentence about what a
// member does next.
func TestDecide(t *testing.T) {
	yes, no := true, false
	stopped := []Stopped{{Group: "cke", Run: RunID{newVersion, started}}}
	tests := map[string]struct {
		m     Member
		s     func() State
		want  Do
		check func(*testing.T, Decision)
	}{
		"without a request there is nothing to do": {
			m: Member{LRN: 0, Version: newVersion}, want: Idle,
			s: func() State { s := state(nil); s.Request = nil; return s },
		},
		"a request that cannot be read is no request": {
			m: member(Place{1, 0}), want: Leave,
			s: func() State {
				s := state(nil)
				s.Request = nil
				s.UnreadableRequest = errors.New("garbage")
				return s
			},
		},
		"a server that is no member takes no part": {
			m: Member{LRN: 7, Version: newVersion}, want: Idle,
			s: func() State { return state(nil) },
		},
		"an older package begins with the download": {
			m: Member{LRN: 0, Version: oldVersion}, want: Enter,
			s:     func() State { return state(nil) },
			check: wantPlace(Place{0, 0}),
		},
		"an older package that is staged goes on with the installation": {
			m: Member{LRN: 0, Version: oldVersion}, want: Enter,
			s:     func() State { return state(map[int]Status{0: at(0, 1, neco.CondRunning)}) },
			check: wantPlace(Place{0, 1}),
		},
		"the requested package begins with step 1": {
			m: Member{LRN: 0, Version: newVersion}, want: Enter,
			s:     func() State { return state(map[int]Status{0: at(0, 1, neco.CondRunning)}) },
			check: wantPlace(Place{1, 0}),
		},
		"a newer package refuses to take part": {
			m: Member{LRN: 0, Version: "2026.11.22-1"}, want: Report,
			s: func() State { return state(nil) },
			check: func(t *testing.T, d Decision) {
				if d.Status.Cond != neco.CondAbort || !strings.Contains(d.Status.Message, "newer than the requested") {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"a restarted worker resumes at its step and repeats what every member does": {
			m: Member{LRN: 0, Version: newVersion}, want: Enter,
			s: func() State { return state(allAt(5, 0)) },
			check: func(t *testing.T, d Decision) {
				wantPlace(Place{5, 0})(t, d)
				// It repeats neither the rolling actions nor the stop of step 3.
				if diff := cmp.Diff([]Place{{1, 0}, {4, 0}}, d.Member.Again); diff != "" {
					t.Error(diff)
				}
			},
		},
		"arrival is reported before anything is done": {
			m: member(Place{1, 0}), want: Report,
			s: func() State { return state(nil) },
			check: func(t *testing.T, d Decision) {
				if d.Status.Step != 1 || d.Status.Cond != neco.CondRunning || !d.Status.StartedAt.Equal(started) || d.Status.HostID != "h" {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"nobody begins a step before all have arrived": {
			m: member(Place{1, 0}), want: Wait,
			s: func() State {
				sts := allAt(1, 0)
				sts[10] = at(0, 1, neco.CondRunning)
				return state(sts)
			},
			check: func(t *testing.T, d Decision) {
				if diff := cmp.Diff([]int{10}, d.Missing); diff != "" {
					t.Error(diff)
				}
			},
		},
		"a member that has completed holds nobody up": {
			m: member(Place{1, 0}), want: Start,
			s: func() State {
				sts := allAt(1, 0)
				sts[10] = at(18, 0, neco.CondComplete)
				return state(sts)
			},
		},
		"a status of an older run does not count": {
			m: member(Place{1, 0}), want: Wait,
			s: func() State {
				sts := allAt(1, 0)
				old, before := sts[10], started.Add(-time.Hour)
				old.StartedAt = &before
				sts[10] = old
				return state(sts)
			},
		},
		"an abort in an older run stops nobody": {
			m: member(Place{1, 0}), want: Wait,
			s: func() State {
				sts := allAt(1, 0)
				old, before := at(6, 0, neco.CondAbort), started.Add(-time.Hour)
				old.StartedAt = &before
				sts[10] = old
				return state(sts)
			},
		},
		"a rolling action needs the lock": {
			m: member(Place{4, 1}), want: Acquire, s: func() State { return state(allAt(4, 0)) },
		},
		"with the lock it begins": {
			m: with(member(Place{4, 1}), func(m *Member) { m.Lock = LockHeld }), want: Start,
			s: func() State { return state(allAt(4, 0)) },
		},
		"when it is done the lock is given back": {
			m:    with(member(Place{4, 1}), func(m *Member) { m.Lock, m.Work.State = LockHeld, WorkDone }),
			want: Release, s: func() State { return state(allAt(4, 0)) },
		},
		"and only then the next step follows": {
			m: with(member(Place{4, 1}), func(m *Member) { m.Work.State = WorkDone }), want: Advance,
			s: func() State { return state(allAt(4, 0)) }, check: wantPlace(Place{5, 0}),
		},
		"the new version of a group is not started before that is decided": {
			m: member(Place{5, 0}), want: WriteSwitch, s: func() State { return state(allAt(5, 0)) },
			check: func(t *testing.T, d Decision) {
				if d.Group != "cke" || d.Switch.Side != SideNew {
					t.Errorf("%+v", d)
				}
			},
		},
		"the new version is not started when a member has gone back": {
			m: member(Place{5, 0}), want: Report,
			s: func() State {
				s := state(allAt(5, 0))
				s.Switches["cke"] = Switch{newVersion, started, SideOld, 1}
				return s
			},
			check: func(t *testing.T, d Decision) {
				if d.Status.Cond != neco.CondAbort {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"a decision of an older run does not count": {
			m: member(Place{5, 0}), want: WriteSwitch,
			s: func() State {
				s := state(allAt(5, 0))
				s.Switches["cke"] = Switch{newVersion, started.Add(-time.Hour), SideNew, 1}
				return s
			},
		},
		"a once-action asks first whether this server can do it": {
			m: member(Place{6, 0}), want: Ask, s: func() State { return state(allAt(6, 0)) },
		},
		"a server that does not qualify goes on": {
			m: with(member(Place{6, 0}), func(m *Member) { m.Qualified = &no }), want: Advance,
			s: func() State { return state(allAt(6, 0)) },
		},
		"a recorded outcome binds": {
			m: with(member(Place{6, 0}), func(m *Member) { m.Qualified, m.Lock = &yes, LockHeld }), want: Release,
			s: func() State { return withRecord(state(allAt(6, 0)), true) },
		},
		"a recorded failure binds too": {
			m: member(Place{6, 0}), want: Report,
			s: func() State { return withRecord(state(allAt(6, 0)), false) },
			check: func(t *testing.T, d Decision) {
				if d.Status.Cond != neco.CondAbort {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"a once-action that is done is recorded": {
			m:    with(member(Place{6, 0}), func(m *Member) { m.Qualified, m.Lock, m.Work.State = &yes, LockHeld, WorkDone }),
			want: Publish, s: func() State { return state(allAt(6, 0)) },
		},
		"it is repeated where the lock was lost before the record": {
			m:    with(member(Place{6, 0}), func(m *Member) { m.Qualified, m.Work.State = &yes, WorkDone }),
			want: Enter, s: func() State { return state(allAt(6, 0)) },
		},
		"behind the last step comes complete": {
			m: member(Place{7, 0}), want: Report, s: func() State { return state(allAt(6, 0)) },
			check: func(t *testing.T, d Decision) {
				if d.Status.Cond != neco.CondComplete || d.Status.Step != 6 {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"a failure is reported": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkFailed, Err: "no route", Elapsed: time.Second} }),
			want: Report, s: func() State { return state(allAt(1, 0)) },
			check: func(t *testing.T, d Decision) {
				want := "tries again: step 1 (images) pull: no route"
				if d.Status.Message != want || d.Status.Cond != neco.CondRunning {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"and the action is tried again": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkFailed, Err: "no route", Elapsed: time.Second} }),
			want: Start, s: func() State {
				sts := allAt(1, 0)
				st := sts[0]
				st.Message = "tries again: step 1 (images) pull: no route"
				sts[0] = st
				return state(sts)
			},
		},
		"until its deadline": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkFailed, Err: "no route", Elapsed: time.Minute} }),
			want: Report, s: func() State { return state(allAt(1, 0)) },
			check: func(t *testing.T, d Decision) {
				want := "step 1 (images) pull on boot server 0: no route (StepDeadline: 1m)"
				if diff := cmp.Diff(want, d.Status.Message); diff != "" {
					t.Error(diff)
				}
			},
		},
		"a permanent failure aborts at once": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkFailed, Err: "wrong package", Permanent: true} }),
			want: Report, s: func() State { return state(allAt(1, 0)) },
		},
		"an action beyond its deadline is cancelled": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkRunning, Elapsed: time.Minute} }),
			want: Cancel, s: func() State { return state(allAt(1, 0)) }, check: wantCause(CauseDeadline),
		},
		"an action under a lost lock is cancelled": {
			m:    with(member(Place{4, 1}), func(m *Member) { m.Work = Work{State: WorkRunning} }),
			want: Cancel, s: func() State { return state(allAt(4, 0)) }, check: wantCause(CauseLeaseLost),
		},
		"a stop cancels the action": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkRunning} }),
			want: Cancel, s: func() State { return withStop(state(allAt(1, 0))) }, check: wantCause(CauseStopped),
		},
		"then the lock is given back": {
			m:    with(member(Place{4, 1}), func(m *Member) { m.Lock = LockWaiting }),
			want: Release, s: func() State { return withStop(state(allAt(4, 0))) },
		},
		"then it is decided which version comes back": {
			m:    with(member(Place{4, 1}), func(m *Member) { m.Stopped = stopped }),
			want: WriteSwitch, s: func() State { return withStop(state(allAt(4, 0))) },
			check: func(t *testing.T, d Decision) {
				if d.Switch.Side != SideOld {
					t.Errorf("%+v", d)
				}
			},
		},
		"then it comes back": {
			m: with(member(Place{4, 1}), func(m *Member) { m.Stopped = stopped }), want: Restore,
			s: func() State {
				s := withStop(state(allAt(4, 0)))
				s.Switches["cke"] = Switch{newVersion, started, SideNew, 1}
				return s
			},
			check: func(t *testing.T, d Decision) {
				if d.Side != SideNew {
					t.Errorf("%+v", d)
				}
			},
		},
		"it stays stopped where the decision cannot be read": {
			m: with(member(Place{4, 1}), func(m *Member) { m.Stopped = stopped }), want: Idle,
			s: func() State {
				s := withStop(state(allAt(4, 0)))
				s.UnreadableSwitches["cke"] = errors.New("garbage")
				return s
			},
		},
		"then the status says that nothing runs": {
			m: member(Place{4, 1}), want: Report, s: func() State { return withStop(state(allAt(4, 0))) },
			check: func(t *testing.T, d Decision) {
				if d.Status.Cond != neco.CondNotRunning || !strings.Contains(d.Status.Message, "enough") {
					t.Errorf("status %+v", d.Status)
				}
			},
		},
		"then the run is forgotten": {
			m: member(Place{4, 1}), want: Leave,
			s: func() State {
				sts := allAt(4, 0)
				sts[0] = at(4, 0, neco.CondNotRunning)
				return withStop(state(sts))
			},
		},
		"a peer that gives up ends the run for all": {
			m:    with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkRunning} }),
			want: Cancel, check: wantCause(CauseAborted),
			s: func() State {
				sts := allAt(1, 0)
				sts[2] = at(1, 0, neco.CondAbort)
				return state(sts)
			},
		},
		"another run ends the one in hand": {
			m: with(member(Place{1, 0}), func(m *Member) {
				m.Run.StartedAt = started.Add(-time.Hour)
				m.Work = Work{State: WorkRunning}
			}),
			want: Cancel, check: wantCause(CauseSuperseded), s: func() State { return state(nil) },
		},
		"what an earlier run has left stopped comes back before a new one is entered": {
			m: Member{LRN: 0, Version: newVersion, Stopped: []Stopped{{"cke", RunID{oldVersion, started.Add(-time.Hour)}}}}, want: Restore,
			s: func() State { return state(nil) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := testTable().Decide(tt.m, tt.s(), order)
			if d.Do != tt.want {
				t.Fatalf("decided %s (%s), want %s", d.Do, d.Why, tt.want)
			}
			if tt.check != nil {
				tt.check(t, d)
			}
			if again := testTable().Decide(tt.m, tt.s(), order); !cmp.Equal(d, again) {
				t.Errorf("the same input gave another answer: %s", cmp.Diff(d, again))
			}
		})
	}
}

func wantPlace(p Place) func(*testing.T, Decision) {
	return func(t *testing.T, d Decision) {
		t.Helper()
		if diff := cmp.Diff(p, d.Member.At); diff != "" {
			t.Error(diff)
		}
	}
}

func wantCause(c Cause) func(*testing.T, Decision) {
	return func(t *testing.T, d Decision) {
		t.Helper()
		if d.Cause != c {
			t.Errorf("cause %q, want %q", d.Cause, c)
		}
	}
}

func with(m Member, f func(*Member)) Member { f(&m); return m }

func withStop(s State) State {
	s.Request.Stop, s.Request.Reason = true, "enough"
	return s
}

func withRecord(s State, success bool) State {
	rec := Record{StartedAt: &started}
	rec.Version, rec.Success = newVersion, success
	s.Records["sabakan"] = rec
	return s
}
