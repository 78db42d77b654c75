package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

const version = "2026.11.21-2"

// second returns the time n seconds after a fixed time.
func second(n int) time.Time { return time.Unix(1_800_000_000+int64(n), 0).UTC() }

func statusOf(step int, cond neco.UpdateCondition) update.Status {
	began := second(0)
	return update.Status{StartedAt: &began, UpdateStatus: neco.UpdateStatus{Version: version, Step: step, Cond: cond}}
}

func TestAStepEndsWhenTheLastServerIsReadyForTheNext(t *testing.T) {
	table := update.Table{{N: 0, Name: "package"}, {N: 1, Name: "serf"}, {N: 2, Name: "finish"}}
	p := newProgress(table, []int{0, 1}, second(0))
	for _, tc := range []struct {
		name string
		lrn  int
		st   update.Status
		at   int
		want []StepTime
	}{
		{"the first server is ready for 1", 0, statusOf(1, neco.CondRunning), 1, nil},
		{"the last one is", 1, statusOf(1, neco.CondRunning), 3, []StepTime{{0, "package", 3 * time.Second}}},
		{"an old report comes late", 1, statusOf(0, neco.CondRunning), 4, nil},
		{"the last server completes at once", 1, statusOf(2, neco.CondComplete), 5, nil},
		{"the first is ready for 2", 0, statusOf(2, neco.CondRunning), 6, []StepTime{{1, "serf", 3 * time.Second}}},
		{"the first completes", 0, statusOf(2, neco.CondComplete), 7, []StepTime{{2, "finish", time.Second}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, p.observe(tc.lrn, tc.st, second(tc.at))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if !p.done() {
		t.Error("not done")
	}
}

// put returns the event of a write to a key.
func put(t *testing.T, key string, value any) *clientv3.Event {
	t.Helper()
	data, ok := value.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(value); err != nil {
			t.Fatal(err)
		}
	}
	return &clientv3.Event{Type: mvccpb.PUT, Kv: &mvccpb.KeyValue{Key: []byte(key), Value: data}}
}

func request(v string, at int, stop string) update.Request {
	return update.Request{Reason: stop, UpdateRequest: neco.UpdateRequest{
		Version: v, Servers: []int{0, 1}, StartedAt: second(at), Stop: stop != "",
	}}
}

func TestFollowingMindsOneRunOnly(t *testing.T) {
	f := &follower{Run: &Run{Version: version}}
	for _, e := range []*clientv3.Event{
		put(t, storage.StatusKey(0), statusOf(3, neco.CondRunning)), // before the request
		put(t, storage.KeyRequest, request("2026.11.21-1", -9, "")),
		put(t, storage.KeyRequest, request(version, 0, "")),
		put(t, storage.KeyRequest, []byte("{")),
		put(t, storage.StatusKey(0), []byte("garbage")),
		put(t, "status/bootservers/x", statusOf(9, neco.CondComplete)),
		put(t, storage.StatusKey(0), statusOf(steps.Table().Last(), neco.CondComplete)),
		{Type: mvccpb.DELETE, Kv: &mvccpb.KeyValue{Key: []byte(storage.StatusKey(0))}},
	} {
		if err := f.event(e, second(1)); err != nil || f.done() {
			t.Fatalf("%s: %v, done %v", e.Kv.Key, err, f.done())
		}
	}
	if err := f.event(put(t, storage.StatusKey(1), statusOf(0, neco.CondComplete)), second(5)); err != nil || !f.done() {
		t.Errorf("%v, done %v", err, f.done())
	}
	if f.Took != 4*time.Second || len(f.Steps) != len(steps.Table()) {
		t.Errorf("took %s, %d steps", f.Took, len(f.Steps))
	}
}

func TestARunThatEndsOtherwiseIsAnError(t *testing.T) {
	aborted := statusOf(6, neco.CondAbort)
	aborted.Message = "step 6 (serf) restart on boot server 1: boom"
	for _, tc := range []struct {
		name string
		e    *clientv3.Event
	}{
		{"aborted", put(t, storage.StatusKey(1), aborted)},
		{"stopped", put(t, storage.KeyRequest, request(version, 0, "by the operator"))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &follower{Run: &Run{Version: version}}
			if err := f.event(put(t, storage.KeyRequest, request(version, 0, "")), second(0)); err != nil {
				t.Fatal(err)
			}
			if err := f.event(tc.e, second(1)); !errors.Is(err, ErrStopped) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAPackageIsKnownByItsName(t *testing.T) {
	for _, tc := range []struct{ deb, want string }{
		{"build/neco_2026.11.21-1_amd64.deb", "2026.11.21-1"},
		{"neco_2026.11.21-01_amd64.deb", ""},
		{"neco__amd64.deb", ""},
		{"neco_2026.11.21-1_arm64.deb", ""},
		{"vault_2026.11.21-1_amd64.deb", ""},
		{"", ""},
	} {
		t.Run(fmt.Sprintf("%q", tc.deb), func(t *testing.T) {
			v, err := DebVersion(tc.deb)
			if (err == nil) != (tc.want != "") || err == nil && v.String() != tc.want {
				t.Errorf("%v, %v", v, err)
			}
		})
	}
}
