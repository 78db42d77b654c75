package neco

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUpdateConditionReadsAsWords(t *testing.T) {
	want := map[UpdateCondition]string{
		CondNotRunning: "not running",
		CondRunning:    "running",
		CondAbort:      "aborted",
		CondComplete:   "completed",
		4:              "unknown",
		-1:             "unknown",
	}
	for c, s := range want {
		if c.String() != s {
			t.Errorf("UpdateCondition(%d) = %q, want %q", int(c), c, s)
		}
	}
}

func TestUpdateCompleted(t *testing.T) {
	done := &UpdateStatus{Version: "v1", Cond: CondComplete}
	cases := map[string]struct {
		statuses map[int]*UpdateStatus
		want     bool
	}{
		"when all members have completed":      {map[int]*UpdateStatus{0: done, 2: done}, true},
		"not while a status is missing":        {map[int]*UpdateStatus{0: done}, false},
		"not while a status is nil":            {map[int]*UpdateStatus{0: done, 2: nil}, false},
		"not while a member is running":        {map[int]*UpdateStatus{0: done, 2: {Version: "v1", Cond: CondRunning}}, false},
		"not by a status of another version":   {map[int]*UpdateStatus{0: done, 2: {Version: "v0", Cond: CondComplete}}, false},
		"whatever servers that left still say": {map[int]*UpdateStatus{0: done, 2: done, 1: {Version: "v0"}}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := UpdateCompleted("v1", []int{0, 2}, c.statuses); got != c.want {
				t.Errorf("UpdateCompleted = %v, want %v", got, c.want)
			}
		})
	}
}

func TestMessagesHaveTheirStoredForm(t *testing.T) {
	cases := map[string]struct {
		value any
		want  string
	}{
		"a request": {
			UpdateRequest{Version: "2022.05.25-1", Servers: []int{0, 10, 2}, StartedAt: time.Date(2022, 5, 25, 1, 2, 3, 0, time.UTC)},
			`{"version":"2022.05.25-1","servers":[0,10,2],"stop":false,"started_at":"2022-05-25T01:02:03Z"}`,
		},
		"a status": {
			UpdateStatus{Version: "2022.05.25-1", Step: 3, Cond: CondAbort, Message: "disk full"},
			`{"version":"2022.05.25-1","step":3,"cond":2,"message":"disk full"}`,
		},
		"a contents status": {
			ContentsUpdateStatus{Version: "2022.05.25-1", Success: true},
			`{"version":"2022.05.25-1","success":true}`,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(c.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIsMember(t *testing.T) {
	r := UpdateRequest{Servers: []int{0, 10}}
	if !r.IsMember(10) || r.IsMember(1) {
		t.Errorf("IsMember: 10 → %v, 1 → %v", r.IsMember(10), r.IsMember(1))
	}
}
