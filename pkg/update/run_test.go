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

// TestWhatHoldsOnlyForAnActionIsNoNoteOfTheNextOne uses two actions of the same step.
func TestWhatHoldsOnlyForAnActionIsNoNoteOfTheNextOne(t *testing.T) {
	r := state(nil).Request
	for message, want := range map[string]string{
		TriesAgain + "no route": "", InProgress + "serf.service: activating": "", "nothing of note": "nothing of note",
	} {
		own := at(0, 0, neco.CondRunning)
		own.Message = message
		if got := member(Place{0, 1}).status(r, Arrival{Step: 0, Phase: 1}, own, neco.CondRunning).Message; got != want {
			t.Errorf("after %q the message is %q, want %q", message, got, want)
		}
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
