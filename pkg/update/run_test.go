package update

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
)

func TestAStatusWithoutAStartIsJudgedByItsRevision(t *testing.T) {
	s := state(nil)
	old := at(1, 0, neco.CondRunning)
	old.StartedAt = nil
	for rev, want := range map[int64]bool{99: false, 101: true} {
		old.Rev = rev
		if got := old.Of(s.Request); got != want {
			t.Errorf("written at %d, request at %d: %v, want %v", rev, s.Request.Rev, got, want)
		}
	}
}

func TestStartTimesAreComparedAsInstants(t *testing.T) {
	s := state(allAt(1, 0))
	tokyo := started.In(time.FixedZone("JST", 9*3600))
	s.Request.StartedAt = tokyo
	if missing := s.Missing(Arrival{1, 0}); missing != nil {
		t.Errorf("missing %v", missing)
	}
}

func TestValidateNamesTheRow(t *testing.T) {
	tests := map[string]struct {
		spoil func(Table)
		want  string
	}{
		"order":       {func(t Table) { t[2].N = 7 }, "step 7 (etcd) is at index 2"},
		"no action":   {func(t Table) { t[1].Actions = nil }, "step 1 (images) has no action"},
		"no deadline": {func(t Table) { t[1].Actions[0].Deadline = 0 }, "step 1 (images) pull: no deadline"},
		"no record":   {func(t Table) { t[6].Actions[0].Record = "" }, "step 6 (contents) upload: a record belongs"},
		"phase":       {func(t Table) { t[0].Actions[1].Phase = 3 }, "step 0 (package) install: phase 3 follows phase 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			table := testTable()
			if err := table.Validate(); err != nil {
				t.Fatal(err)
			}
			tt.spoil(table)
			if err := table.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestARunIsCompleteWithoutThoseThatHaveLeftSince(t *testing.T) {
	done := at(6, 0, neco.CondComplete)
	tests := []struct {
		name       string
		statuses   map[int]Status
		registered []int
		want       []int
	}{
		{"all are through", map[int]Status{0: done, 2: done, 10: done}, []int{0, 2, 10}, nil},
		{"one has not begun", map[int]Status{0: done, 2: done}, []int{0, 2, 10}, []int{10}},
		{"one has left", map[int]Status{0: done, 2: done}, []int{0, 2}, nil},
		{"one has left, one is on its way", map[int]Status{0: done, 2: at(5, 0, neco.CondRunning)}, []int{0, 2}, []int{2}},
		{"one has come", map[int]Status{0: done, 2: done, 10: done}, []int{0, 2, 4, 10}, nil},
	}
	for _, tt := range tests {
		s := state(tt.statuses)
		s.Registered = tt.registered
		if got := s.Incomplete(); !slices.Equal(got, tt.want) || s.Complete() != (tt.want == nil) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if (State{}).Complete() {
		t.Error("no run is complete")
	}
}

// TestNotesRemainInAllLaterStatusesOfARun follows a member from a note over a restart of
// its worker to "complete".
func TestNotesRemainInAllLaterStatusesOfARun(t *testing.T) {
	table, notes := testTable(), []string{"nothing of note"}
	m := with(member(Place{1, 0}), func(m *Member) { m.Work = Work{State: WorkDone, Note: notes[0]} })
	m = table.Decide(m, state(allAt(1, 0)), order).Member
	arrived := table.Decide(m, state(allAt(1, 0)), order)
	if arrived.Do != Report || !slices.Equal(arrived.Status.Notes, notes) || arrived.Status.Message != "" {
		t.Fatalf("after the action: %+v", arrived)
	}
	sts := allAt(arrived.Status.Step, arrived.Status.Phase)
	sts[0] = arrived.Status
	failing := with(arrived.Member, func(m *Member) { m.Work = Work{State: WorkFailed, Err: "no route"} })
	retry := table.Decide(failing, state(sts), order)
	if retry.Do != Report || !strings.HasPrefix(retry.Status.Message, TriesAgain) || !slices.Equal(retry.Status.Notes, notes) {
		t.Fatalf("while the next action fails: %+v", retry)
	}
	sts[0] = retry.Status
	restarted := table.Decide(Member{Version: newVersion, HostID: "h"}, state(sts), order)
	if restarted.Do != Enter || !slices.Equal(restarted.Member.Notes, notes) {
		t.Fatalf("after a restart of the worker: %+v", restarted)
	}
	newer := table.Decide(Member{Version: "9999.12.31-1", HostID: "h"}, state(sts), order)
	if newer.Status.Cond != neco.CondAbort || !slices.Equal(newer.Status.Notes, notes) {
		t.Errorf("after a restart with a newer version: %+v", newer)
	}
	again := with(restarted.Member, func(m *Member) { m.Work = Work{State: WorkDone, Note: notes[0]} })
	if repeated := again.advance(table); !slices.Equal(repeated.Notes, notes) {
		t.Errorf("after an action with the same note: %q", repeated.Notes)
	}
	last := with(restarted.Member, func(m *Member) { m.At, m.Again = Place{7, 0}, nil })
	complete := table.Decide(last, state(allAt(6, 0)), order)
	if complete.Status.Cond != neco.CondComplete || !slices.Equal(complete.Status.Notes, notes) {
		t.Errorf("at the end: %+v", complete)
	}
}

func TestARunIsUnderWayUntilItIsStoppedOrComplete(t *testing.T) {
	tests := map[string]struct {
		s    State
		want bool
	}{
		"nothing was requested": {State{}, false},
		"it was requested":      {state(nil), true},
		"a member gave up":      {state(map[int]Status{0: at(1, 0, neco.CondAbort)}), true},
		"it was stopped":        {withStop(state(allAt(1, 0))), false},
		"it is complete":        {state(map[int]Status{0: at(6, 0, neco.CondComplete), 2: at(6, 0, neco.CondComplete), 10: at(6, 0, neco.CondComplete)}), false},
	}
	for name, tt := range tests {
		if got := tt.s.UnderWay(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAConditionalActionIsAskedForBeforeTheLock checks that servers which skip a
// conditional action do not wait for one another.
func TestAConditionalActionIsAskedForBeforeTheLock(t *testing.T) {
	yes, no := true, false
	table := testTable()
	table[4].Actions[1].Conditional = true
	p := Place{4, 1}
	for _, c := range []struct {
		qualified *bool
		want      Do
		again     bool
	}{{nil, Ask, false}, {&yes, Acquire, false}, {&no, Advance, false}, {nil, Ask, true}, {&no, Advance, true}} {
		m := member(p)
		if c.again { // repeated by a worker that resumes behind it
			m.At, m.Again = Place{5, 0}, []Place{p}
		}
		m.Qualified = c.qualified
		d := table.Decide(m, state(allAt(m.At.Step, 0)), order)
		if d.Do != c.want || d.At != p {
			t.Errorf("again %t, qualified %v: %s at %+v, want %s at %+v", c.again, c.qualified, d.Do, d.At, c.want, p)
		}
		if d.Do == Advance && d.Member.Qualified != nil {
			t.Error("the answer is taken for the next action, too")
		}
	}
	if m := member(p).Asked(table, false, ""); m.Work.Note != "" {
		t.Errorf("note %q, with nothing to say", m.Work.Note)
	}
}
