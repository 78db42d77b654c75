package update

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestADecisionHoldsTheMemberAfterIt has a row for each decision that changes the
// member. The others leave it unchanged.
func TestADecisionHoldsTheMemberAfterIt(t *testing.T) {
	run := RunID{newVersion, started}
	before := Stopped{Group: "cke", Run: RunID{oldVersion, started.Add(-time.Hour)}}
	noted := func(m *Member) { m.Notes = []string{"a note"} }
	tests := map[string]struct {
		m    Member
		s    State
		want Do
		edit func(*Member)
	}{
		"an arrival keeps the notes": {with(member(Place{1, 0}), noted), state(nil), Report, func(*Member) {}},
		"a failed attempt, too": {
			with(member(Place{1, 0}), func(m *Member) { noted(m); m.Work = Work{State: WorkFailed, Err: "no route"} }),
			state(allAt(1, 0)), Report, func(*Member) {},
		},
		"and progress": {
			with(member(Place{1, 0}), func(m *Member) { noted(m); m.Work = Work{State: WorkRunning, Progress: "x"} }),
			state(allAt(1, 0)), Report, func(*Member) {},
		},
		"an attempt is counted": {
			with(member(Place{1, 0}), func(m *Member) {
				m.Work = Work{State: WorkFailed, Attempts: 2, Fault: true, Cancelled: CauseLeaseLost}
			}),
			state(allAt(1, 0)), Start, func(m *Member) { m.Work = Work{State: WorkRunning, Attempts: 3, Fault: true} },
		},
		"what is about to be stopped is noted, of this run alone": {
			with(member(Place{3, 0}), func(m *Member) { m.Stopped = []Stopped{before} }),
			state(allAt(3, 0)), Start, func(m *Member) {
				m.Work, m.Stopped = Work{State: WorkRunning, Attempts: 1}, []Stopped{{"cke", run}}
			},
		},
		"a cancelled action has its cause": {
			with(member(Place{1, 0}), func(m *Member) { m.Work.State = WorkRunning }),
			withStop(state(allAt(1, 0))), Cancel, func(m *Member) { m.Work.Cancelled = CauseStopped },
		},
		"a restored group is stopped no more": {
			Member{Version: newVersion, Stopped: []Stopped{before, {"vault", run}}},
			state(nil), Restore, func(m *Member) { m.Stopped = []Stopped{{"vault", run}} },
		},
		"a run that is left is forgotten, except what it has stopped": {
			with(member(Place{1, 0}), noted),
			State{}, Leave, func(m *Member) { *m = Member{Version: newVersion, HostID: "h"} },
		},
		"an action in hand is waited for": {
			with(member(Place{1, 0}), func(m *Member) { noted(m); m.Work = Work{State: WorkRunning, Attempts: 1} }),
			state(allAt(1, 0)), Wait, func(*Member) {},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := testTable().Decide(tt.m, tt.s, order)
			if d.Do != tt.want {
				t.Fatalf("decided %s (%s), want %s", d.Do, d.Why, tt.want)
			}
			want := tt.m
			tt.edit(&want)
			if diff := cmp.Diff(want, d.Member); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADecisionHoldsWhatIsWritten(t *testing.T) {
	yes := true
	uploaded := with(member(Place{6, 0}), func(m *Member) { m.Qualified, m.Lock = &yes, LockHeld })
	uploaded = uploaded.Ended(testTable(), Result{Digest: "abc"})
	d := testTable().Decide(uploaded, state(allAt(6, 0)), order)
	rec := Record{StartedAt: &started, Digest: "abc"}
	rec.Version, rec.Success = newVersion, true
	if diff := cmp.Diff(rec, d.Record); d.RecordName != "sabakan" || diff != "" {
		t.Errorf("record %q: %s", d.RecordName, diff)
	}

	s := state(allAt(5, 0))
	s.Switches["cke"] = Switch{oldVersion, started.Add(-time.Hour), SideNew, 77}
	d = testTable().Decide(member(Place{5, 0}), s, order)
	if want := (Switch{Version: newVersion, StartedAt: started, Side: SideNew}); d.Group != "cke" || d.Replaces != 77 || d.Switch != want {
		t.Errorf("switch %q %+v replaces %d", d.Group, d.Switch, d.Replaces)
	}

	// A restarted worker has entered no run: the run is in its journal.
	killed := Member{Version: newVersion, Stopped: []Stopped{{"cke", RunID{newVersion, started}}}}
	d = testTable().Decide(killed, withStop(state(allAt(3, 0))), order)
	if want := (Switch{Version: newVersion, StartedAt: started, Side: SideOld}); d.Do != WriteSwitch || d.Switch != want {
		t.Errorf("decided %s, switch %+v", d.Do, d.Switch)
	}
}

// TestSinceStaysAsLongAsArrivalAndConditionDo: a status that only has a new message keeps
// its time Since.
func TestSinceStaysAsLongAsArrivalAndConditionDo(t *testing.T) {
	arrived, now := started.Add(time.Minute), started.Add(time.Hour).In(time.FixedZone("JST", 9*3600))
	failed := with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkFailed, Err: "no route"} })
	aborts := with(failed, func(m *Member) { m.Work.Permanent = true })
	tests := map[string]struct {
		m    Member
		step int
		want time.Time
	}{
		"a new message":   {failed, 1, arrived},
		"a new condition": {aborts, 1, now},
		"a new step":      {member(Place{2, 0}), 1, now},
		"another run":     {member(Place{1, 0}), -1, now},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			sts := allAt(1, 0)
			own := sts[0]
			own.At, own.Since = &arrived, &arrived
			if tt.step < 0 {
				own.Version = oldVersion
			}
			sts[0] = own
			d := testTable().Decide(tt.m, state(sts), order)
			if d.Do != Report {
				t.Fatalf("decided %s (%s)", d.Do, d.Why)
			}
			got := d.Status.Stamped(now)
			if !got.Since.Equal(tt.want) || !got.At.Equal(now) || got.At.Location() != time.UTC {
				t.Errorf("at %s since %s, want since %s", got.At, got.Since, tt.want)
			}
		})
	}
}

func TestTheEndOfAnActionIsTakenOver(t *testing.T) {
	running := func(p Place, work Work) Member {
		work.State = WorkRunning
		return with(member(p), func(m *Member) {
			m.Work, m.Stopped = work, []Stopped{{"cke", m.Run}}
		})
	}
	broken := errors.New("no route")
	tests := map[string]struct {
		m       Member
		r       Result
		want    Work
		stopped int
	}{
		"a success":                                      {running(Place{1, 0}, Work{Attempts: 1}), Result{Note: "n"}, Work{State: WorkDone, Attempts: 1, Note: "n"}, 1},
		"a start of what was stopped":                    {running(Place{5, 0}, Work{}), Result{}, Work{State: WorkDone}, 0},
		"a start that failed":                            {running(Place{5, 0}, Work{}), Result{Err: broken}, Work{State: WorkFailed, Err: "no route"}, 1},
		"a failure that cannot be mended":                {running(Place{1, 0}, Work{}), Result{Err: broken, Permanent: true, Fault: true}, Work{State: WorkFailed, Err: "no route", Permanent: true, Fault: true}, 1},
		"a failure of the host after one of the release": {running(Place{1, 0}, Work{Fault: true}), Result{Err: broken}, Work{State: WorkFailed, Err: "no route"}, 1},
		"what the deadline cut off":                      {running(Place{1, 0}, Work{Fault: true, Cancelled: CauseDeadline}), Result{Err: broken}, Work{State: WorkFailed, Err: "no route", Fault: true, Cancelled: CauseDeadline}, 1},
		"what the loss of the lease ended":               {running(Place{1, 0}, Work{Fault: true}), Result{Err: broken, LeaseLost: true}, Work{State: WorkFailed, Err: "no route", Cancelled: CauseLeaseLost}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := tt.m.Ended(testTable(), tt.r)
			if diff := cmp.Diff(tt.want, got.Work); diff != "" || len(got.Stopped) != tt.stopped || len(tt.m.Stopped) != 1 {
				t.Errorf("stopped %v, before %v; %s", got.Stopped, tt.m.Stopped, diff)
			}
		})
	}
}

func TestAServerThatDoesNotQualifySaysWhy(t *testing.T) {
	m := member(Place{6, 0}).Asked(testTable(), false, "no key")
	if d := testTable().Decide(m, state(allAt(6, 0)), order); d.Do != Advance || !cmp.Equal(d.Member.Notes, []string{"contents upload skipped: no key"}) {
		t.Errorf("decided %s, notes %q", d.Do, d.Member.Notes)
	}
	if m := member(Place{6, 0}).Asked(testTable(), true, ""); m.Work.Note != "" || !*m.Qualified {
		t.Errorf("%+v", m)
	}
}
