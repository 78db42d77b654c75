package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestAProgramStartsOnlyInTheVersionOfAllServers(t *testing.T) {
	const installed = "2026.11.21-2"
	request := func(version string, cond neco.UpdateCondition, stop bool) *storage.Snapshot {
		at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		r := &update.Request{UpdateRequest: neco.UpdateRequest{Version: version, Servers: []int{0}, Stop: stop, StartedAt: at}}
		st := update.Status{UpdateStatus: neco.UpdateStatus{Version: version, Step: 18, Cond: cond}, StartedAt: &at}
		return &storage.Snapshot{State: update.State{Request: r, Registered: []int{0}, Statuses: map[int]update.Status{0: st}}}
	}
	ended := func(result storage.Result) *storage.Run { return &storage.Run{Version: "2026.11.21-1", Result: result} }
	malformed := &storage.Snapshot{Malformed: []storage.MalformedKey{{Key: storage.KeyRequest, Err: errors.New("no JSON")}}}
	for name, c := range map[string]struct {
		snap *storage.Snapshot
		last *storage.Run
		want string // "" if CKE may start
	}{
		"no update yet":          {&storage.Snapshot{}, nil, ""},
		"complete":               {request(installed, neco.CondComplete, false), ended(storage.ResultComplete), ""},
		"runs":                   {request(installed, neco.CondRunning, false), ended(storage.ResultRunning), "the update to 2026.11.21-2 runs, and may start another version of cke"},
		"stopped":                {request(installed, neco.CondRunning, true), ended(storage.ResultStopped), "the update to 2026.11.21-2 was stopped"},
		"cleared":                {&storage.Snapshot{}, ended(storage.ResultAborted), "the update to 2026.11.21-1 has not completed"},
		"another package here":   {request("2026.11.21-1", neco.CondComplete, false), ended(storage.ResultComplete), "this boot server has the package neco 2026.11.21-2"},
		"whether one is unknown": {malformed, nil, storage.KeyRequest},
	} {
		t.Run(name, func(t *testing.T) {
			err := settled(c.snap, c.last, programCalled(t, program.CKE), installed)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("CKE: %v, want %q", err, c.want)
			}
			if err := settled(c.snap, c.last, programCalled(t, program.Sabakan), installed); err != nil {
				t.Errorf("sabakan, of which any versions mix: %v", err)
			}
		})
	}
}

func programCalled(t *testing.T, name string) program.Program {
	t.Helper()
	p, err := program.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
