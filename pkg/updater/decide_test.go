package updater

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

var started = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

const current = "2026.11.20-9"

// snapshot returns the state of a data centre whose three servers have completed a run to
// the version current.
func snapshot() *storage.Snapshot {
	s := &storage.Snapshot{Release: current, Config: storage.Config{WorkerTimeout: time.Hour}}
	s.Registered = []int{0, 2, 10}
	s.Request = &update.Request{UpdateRequest: neco.UpdateRequest{Version: current, Servers: []int{0, 10, 2}, StartedAt: started}}
	s.Statuses, s.Presence = map[int]update.Status{}, map[int]update.Presence{}
	for _, lrn := range s.Registered {
		st := update.Status{StartedAt: &started, HostID: "h"}
		st.Version, st.Step, st.Cond = current, 18, neco.CondComplete
		s.Statuses[lrn] = st
		s.Presence[lrn] = update.Presence{Version: current}
	}
	return s
}

func set(s *storage.Snapshot, lrn int, cond neco.UpdateCondition, message string) {
	st := s.Statuses[lrn]
	st.Cond, st.Message, st.Step = cond, message, 6
	s.Statuses[lrn] = st
}

// mark marks a version as bad.
func mark(s *storage.Snapshot, version string) {
	s.Bad = map[string]storage.BadRelease{version: {Reason: "digest mismatch"}}
}

func TestDecide(t *testing.T) {
	tests := map[string]struct {
		spoil func(*storage.Snapshot, *Input)
		want  Decision
	}{
		"what is known is installed":                         {func(*storage.Snapshot, *Input) {}, Decision{Do: WaitInfo}},
		"no server is registered":                            {func(s *storage.Snapshot, _ *Input) { s.Registered, s.Request = nil, nil }, Decision{Do: WaitInfo}},
		"no release is known":                                {func(s *storage.Snapshot, _ *Input) { s.Release, s.Request = "", nil }, Decision{Do: WaitInfo}},
		"what is known is no version":                        {func(s *storage.Snapshot, _ *Input) { s.Release = "latest" }, Decision{Do: WaitInfo}},
		"no request":                                         {func(s *storage.Snapshot, _ *Input) { s.Request = nil }, Decision{Do: NewRequest, Version: current, Servers: []int{0, 2, 10}}},
		"no request and an older release than one that runs": {func(s *storage.Snapshot, _ *Input) { s.Request, s.Release = nil, "2026.11.19-99" }, Decision{Do: WaitInfo}},
		"no request and an older release than one of a server that has left": {func(s *storage.Snapshot, _ *Input) {
			s.Request, s.Release, s.Registered = nil, "2026.11.19-99", []int{2}
			s.Presence[2], s.Statuses = update.Presence{Version: "2026.11.19-98"}, nil
		}, Decision{Do: NewRequest, Version: "2026.11.19-99", Servers: []int{2}}},
		"the request is stopped": {func(s *storage.Snapshot, _ *Input) { s.Request.Stop, s.Release = true, "2026.11.22-1" }, Decision{Do: WaitRecover}},
		"the request cannot be read": {func(s *storage.Snapshot, _ *Input) {
			s.Request, s.UnreadableRequest = nil, errors.New("garbage")
		}, Decision{Do: WaitRecover}},
		"a member has aborted":            {func(s *storage.Snapshot, _ *Input) { set(s, 2, neco.CondAbort, "step 6 (serf): gone") }, Decision{Do: Stop, Outcome: update.OutcomeAborted}},
		"not all have completed":          {func(s *storage.Snapshot, _ *Input) { set(s, 2, neco.CondRunning, "") }, Decision{Do: WaitWorkers}},
		"they take too long":              {func(s *storage.Snapshot, in *Input) { set(s, 2, neco.CondRunning, ""); in.Age = time.Hour }, Decision{Do: Stop, Outcome: update.OutcomeTimeout}},
		"a complete run has no timeout":   {func(_ *storage.Snapshot, in *Input) { in.Age = 9 * time.Hour }, Decision{Do: WaitInfo}},
		"a server has joined":             {func(s *storage.Snapshot, _ *Input) { s.Registered = append(s.Registered, 11) }, Decision{Do: Reconfigure, Version: current, Servers: []int{0, 2, 10, 11}}},
		"the order of servers is no news": {func(s *storage.Snapshot, _ *Input) { s.Request.Servers = []int{10, 2, 0} }, Decision{Do: WaitInfo}},
		"reconfiguration comes before a newer release": {func(s *storage.Snapshot, _ *Input) { s.Registered, s.Release = []int{0, 2}, "2026.11.22-1" },
			Decision{Do: Reconfigure, Version: current, Servers: []int{0, 2}}},
		"a server that has left is not waited for": {func(s *storage.Snapshot, _ *Input) { s.Registered = []int{0, 2}; delete(s.Statuses, 10) },
			Decision{Do: Reconfigure, Version: current, Servers: []int{0, 2}}},
		"a newer release":                   {func(s *storage.Snapshot, _ *Input) { s.Release = "2026.11.20-10" }, Decision{Do: NewRequest, Version: "2026.11.20-10", Servers: []int{0, 2, 10}}},
		"a smaller serial on a later day":   {func(s *storage.Snapshot, _ *Input) { s.Release = "2026.11.21-1" }, Decision{Do: NewRequest, Version: "2026.11.21-1", Servers: []int{0, 2, 10}}},
		"a greater serial on an older day":  {func(s *storage.Snapshot, _ *Input) { s.Release = "2026.11.19-99" }, Decision{Do: WaitInfo}},
		"a silent server holds up a run":    {func(s *storage.Snapshot, _ *Input) { s.Release = "2026.11.21-1"; delete(s.Presence, 2) }, Decision{Do: WaitAbsent, Version: "2026.11.21-1", Servers: []int{0, 2, 10}, Absent: []int{2}}},
		"one that was never there does not": {func(s *storage.Snapshot, _ *Input) { s.Request = nil; clear(s.Presence); clear(s.Statuses) }, Decision{Do: NewRequest, Version: current, Servers: []int{0, 2, 10}}},
		"unless this leader has seen it": {func(s *storage.Snapshot, in *Input) {
			s.Request = nil
			clear(s.Presence)
			clear(s.Statuses)
			in.Seen = Sightings{10: 1}
		}, Decision{Do: WaitAbsent, Version: current, Servers: []int{0, 2, 10}, Absent: []int{10}}},
		"a member has aborted and no release is known": {func(s *storage.Snapshot, _ *Input) { set(s, 2, neco.CondAbort, "gone"); s.Release = "" },
			Decision{Do: Stop, Outcome: update.OutcomeAborted}},
		"they take too long and no release is known": {func(s *storage.Snapshot, in *Input) {
			set(s, 2, neco.CondRunning, "")
			in.Age, s.Release = time.Hour, ""
		},
			Decision{Do: Stop, Outcome: update.OutcomeTimeout}},
		"a run goes on while no release is known":         {func(s *storage.Snapshot, _ *Input) { set(s, 2, neco.CondRunning, ""); s.Release = "latest" }, Decision{Do: WaitWorkers}},
		"a stopped run is over while no release is known": {func(s *storage.Snapshot, _ *Input) { s.Request.Stop, s.Release = true, "" }, Decision{Do: WaitRecover}},
		"a server has joined and no release is known": {func(s *storage.Snapshot, _ *Input) { s.Registered, s.Release = []int{0, 2}, "" },
			Decision{Do: Reconfigure, Version: current, Servers: []int{0, 2}}},
		"a bad release is not started": {func(s *storage.Snapshot, _ *Input) { s.Release = "2026.11.21-1"; mark(s, "2026.11.21-1") },
			Decision{Do: WaitInfo}},
		"a bad release is not started after recover": {func(s *storage.Snapshot, _ *Input) { s.Request = nil; mark(s, current) }, Decision{Do: WaitInfo}},
		"a bad release is not configured again":      {func(s *storage.Snapshot, _ *Input) { s.Registered = []int{0, 2}; mark(s, current) }, Decision{Do: WaitInfo}},
		"a newer release than a bad one is started": {func(s *storage.Snapshot, _ *Input) {
			s.Request, s.Release = nil, "2026.11.22-1"
			mark(s, "2026.11.21-1")
		},
			Decision{Do: NewRequest, Version: "2026.11.22-1", Servers: []int{0, 2, 10}}},
		"an abort of an older run is none": {func(s *storage.Snapshot, _ *Input) {
			set(s, 2, neco.CondAbort, "")
			before := started.Add(-time.Hour)
			st := s.Statuses[2]
			st.StartedAt = &before
			s.Statuses[2] = st
		}, Decision{Do: WaitWorkers}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, in := snapshot(), Input{}
			tt.spoil(s, &in)
			got := Decide(s, in)
			why := got.Why
			got.Why = ""
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (%s)", diff, why)
			}
			if why == "" {
				t.Error("it does not say why")
			}
		})
	}
}

func TestAServerThatRunsTheOriginalsWorkerNowIsNotWaitedFor(t *testing.T) {
	const newer = "2026.11.21-1"
	// byOriginal makes a worker of the original neco overwrite a status.
	byOriginal := func(s *storage.Snapshot, rev int64) {
		st := update.Status{Rev: rev}
		st.Version, st.Cond = current, neco.CondComplete
		s.Statuses[2] = st
	}
	for name, c := range map[string]struct {
		later func(*storage.Snapshot)
		want  Do
	}{
		"its worker is silent":                    {func(*storage.Snapshot) {}, WaitAbsent},
		"its status is the original's, newer":     {func(s *storage.Snapshot) { byOriginal(s, 12) }, NewRequest},
		"its status is the original's, of before": {func(s *storage.Snapshot) { byOriginal(s, 9) }, WaitAbsent},
		"it wrote nothing since neco recover":     {recovered, WaitAbsent},
	} {
		t.Run(name, func(t *testing.T) {
			s, seen := snapshot(), Sightings{}
			s.Presence[2] = update.Presence{Version: current, Rev: 10}
			seen.Note(s)
			s.Release = newer
			c.later(s)
			seen.Note(s) // its lease has not expired yet
			delete(s.Presence, 2)
			seen.Note(s)
			if d := Decide(s, Input{Seen: seen}); d.Do != c.want {
				t.Errorf("%v: %s", d.Do, d.Why)
			}
			recovered(s)
			seen.Note(s)
			if d := Decide(s, Input{Seen: seen}); d.Do != c.want {
				t.Errorf("after neco recover: %v: %s", d.Do, d.Why)
			}
		})
	}
}

// recovered changes a state as neco recover does.
func recovered(s *storage.Snapshot) {
	s.Request = nil
	clear(s.Statuses)
}

func TestAFailingCheckKeepsItsBeginAndAnErrorIsNeverNoRelease(t *testing.T) {
	first, second := started, started.Add(time.Minute)
	state := observe(&storage.ReleaseCheck{CheckedAt: &first}, Found{}, errors.New("500"), first)
	state = observe(&state, Found{}, errors.New("502"), second)
	if !state.StaleSince.Equal(first) || !state.FailedAt.Equal(second) || state.Error != "502" || state.CheckedAt == nil {
		t.Errorf("%+v", state)
	}
	if state = observe(&state, Found{}, nil, second); state.StaleSince != nil || state.FailedAt != nil || state.Error != "" || !state.CheckedAt.Equal(second) {
		t.Errorf("%+v", state)
	}
}

func TestTheNewestKnownVersion(t *testing.T) {
	const older, newer = "2026.11.19-99", "2026.11.21-1"
	stop := func(s *storage.Snapshot) { s.Request.Version, s.Request.Stop = newer, true }
	tests := map[string]struct {
		known, found string
		spoil        func(*storage.Snapshot)
		want         string
		withdrawn    string
	}{
		"a newer one replaces it":                         {current, newer, nil, newer, ""},
		"the same one stays":                              {current, current, nil, current, ""},
		"anything replaces nothing":                       {"", older, nil, older, ""},
		"a version replaces garbage":                      {"garbage", older, nil, older, ""},
		"a bad one that waits is replaced":                {newer, current, func(s *storage.Snapshot) { mark(s, newer) }, current, ""},
		"a bad one is replaced by what runs":              {newer, "", func(s *storage.Snapshot) { mark(s, newer) }, current, ""},
		"a bad one that a server runs stays":              {newer, current, func(s *storage.Snapshot) { mark(s, newer); s.Presence[2] = update.Presence{Version: newer} }, newer, ""},
		"garbage stays while nothing counts":              {"garbage", "", nil, "garbage", ""},
		"a withdrawn one that waits is forgotten":         {newer, current, nil, current, newer},
		"a withdrawn one whose run was stopped":           {newer, current, stop, current, newer},
		"what runs comes in place of an older one":        {newer, older, nil, current, newer},
		"what runs stays when nothing else is there":      {current, "", nil, current, current},
		"what runs stays when only an older one is there": {current, older, nil, current, current},
		"a withdrawn one that is being run stays":         {newer, current, func(s *storage.Snapshot) { s.Request.Version = newer }, newer, newer},
		"a withdrawn one that a server runs stays":        {newer, current, func(s *storage.Snapshot) { s.Presence[2] = update.Presence{Version: newer} }, newer, newer},
		"a withdrawn one that a silent server has installed": {newer, current, func(s *storage.Snapshot) {
			stop(s)
			st := s.Statuses[2]
			st.Version, st.Step = newer, 3
			s.Statuses[2] = st
		}, newer, newer},
		"a server that has left does not count":     {newer, current, func(s *storage.Snapshot) { s.Presence[7] = update.Presence{Version: newer} }, current, newer},
		"a withdrawn one is named until it is back": {current, current, func(s *storage.Snapshot) { s.Check = &storage.ReleaseCheck{Withdrawn: newer} }, current, newer},
		"a withdrawn one that is back is not named": {current, newer, func(s *storage.Snapshot) { s.Check = &storage.ReleaseCheck{Withdrawn: newer} }, newer, ""},
		"nothing is known and nothing runs": {newer, "", func(s *storage.Snapshot) {
			s.Request = nil
			clear(s.Presence)
			clear(s.Statuses)
		}, "", newer},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := snapshot()
			s.Release = tt.known
			if tt.spoil != nil {
				tt.spoil(s)
			}
			version, withdrawn := known(s, tt.found)
			if version != tt.want || withdrawn != tt.withdrawn {
				t.Errorf("known %q, withdrawn %q; want %q, %q", version, withdrawn, tt.want, tt.withdrawn)
			}
		})
	}
}

func TestARunAfterARecoveryNamesTheRunThatWasCleared(t *testing.T) {
	run := func(version string) storage.Run { return storage.Run{Kind: storage.KindRelease, Version: version} }
	act := func(k storage.Kind) storage.Run { return storage.Run{Kind: k} }
	for name, c := range map[string]struct {
		records []storage.Run
		want    string
	}{
		"nothing is recorded":             {nil, ""},
		"a run was cleared":               {[]storage.Run{run("2026.11.19-1"), run(current), act(storage.KindRecover)}, "after neco recover of " + current},
		"and the configuration changed":   {[]storage.Run{run(current), act(storage.KindRecover), act(storage.KindConfig)}, "after neco recover of " + current},
		"a record of an earlier version":  {[]storage.Run{{Version: current}, act(storage.KindRecover)}, "after neco recover of " + current},
		"an earlier run was cleared":      {[]storage.Run{run("2026.11.19-1"), act(storage.KindRecover), run(current)}, ""},
		"a run of the original's cleared": {[]storage.Run{act(storage.KindConfig), act(storage.KindRecover)}, "after neco recover"},
	} {
		if got := afterRecover(c.records); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestServersAreListedWithoutGosBrackets(t *testing.T) {
	s := snapshot()
	s.Registered = []int{0, 11}
	if got, want := Decide(s, Input{}).Why, "boot server 11 joined, boot servers 2, 10 left"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	s = snapshot()
	set(s, 2, neco.CondRunning, "")
	set(s, 10, neco.CondRunning, "")
	if got, want := Decide(s, Input{Age: time.Hour}).Why, "not complete within 1h; waiting for boot servers 2, 10"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	set(s, 10, neco.CondRunning, "tries again: step 0 (package) install: refused by dpkg")
	if got, want := Decide(s, Input{Age: time.Hour}).Why, "boot servers 2, 10; boot server 10: step 0 (package) install: refused by dpkg"; !strings.HasSuffix(got, want) {
		t.Errorf("%q, want the cause at its end: %q", got, want)
	}
	// The run waits neither for servers that are ahead, nor, if the server is cut off
	// before it started, for the servers that wait for it.
	s.Statuses[2] = update.Status{UpdateStatus: s.Statuses[2].UpdateStatus, StartedAt: s.Statuses[2].StartedAt, Phase: 1}
	if got, want := Decide(s, Input{Age: time.Hour}).Why, "waiting for boot server 10; boot server 10: "; !strings.Contains(got, want) {
		t.Errorf("%q, want in it: %q", got, want)
	}
	delete(s.Statuses, 10)
	if got, want := Decide(s, Input{Age: time.Hour}).Why, "waiting for boot server 10"; !strings.HasSuffix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
