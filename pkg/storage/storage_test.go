package storage_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

var cluster etcdtest.Cluster

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

func newStorage(t *testing.T) *storage.Storage {
	t.Helper()
	return storage.New(cluster.NewClient(t, cluster.Prefix()))
}

func put(t *testing.T, s *storage.Storage, key, value string) int64 {
	t.Helper()
	res, err := s.Client().Put(t.Context(), key, value)
	if err != nil {
		t.Fatal(err)
	}
	return res.Header.Revision
}

func snapshot(t *testing.T, s *storage.Storage) *storage.Snapshot {
	t.Helper()
	snap, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// all returns every key with its value.
func all(t *testing.T, s *storage.Storage) map[string]string {
	t.Helper()
	res, err := s.Client().Get(t.Context(), "", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, kv := range res.Kvs {
		m[string(kv.Key)] = string(kv.Value)
	}
	return m
}

var started = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func request(servers ...int) *update.Request {
	return &update.Request{UpdateRequest: neco.UpdateRequest{Version: "2026.11.21-1", Servers: servers, StartedAt: started}}
}

func TestServersAreOrderedAsNumbers(t *testing.T) {
	s := newStorage(t)
	for _, lrn := range []int{10, 0, 2} {
		if err := s.Register(t.Context(), lrn); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{0, 2, 10}, snapshot(t, s).Registered); diff != "" {
		t.Error(diff)
	}
}

// TestAnUnreadableRequestOrSwitchIsAFactOfTheState: package update decides by it, and the
// error text names the key for operators.
func TestAnUnreadableRequestOrSwitchIsAFactOfTheState(t *testing.T) {
	s := newStorage(t)
	put(t, s, "status/current", "{")
	put(t, s, "switch/cke", "{")
	put(t, s, "config/env", "mars")
	snap := snapshot(t, s)
	texts := []string{fmt.Sprint(snap.UnreadableRequest)}
	for group, err := range snap.UnreadableSwitches {
		texts = append(texts, group+": "+err.Error())
	}
	const malformed = "not valid JSON: unexpected end of JSON input"
	want := []string{"status/current cannot be read: " + malformed, "cke: switch/cke cannot be read: " + malformed}
	if diff := cmp.Diff(want, texts); diff != "" {
		t.Error(diff)
	}
	if bad, ok := snap.MalformedAt("config/env"); !ok || bad.Key != "config/env" {
		t.Errorf("config/env: %v", bad)
	}
	if bad, ok := snap.MalformedAt("config/proxy"); ok {
		t.Errorf("config/proxy: %v", bad)
	}
}

func TestGarbageInAnyKeyIsNamedAndChangesNothing(t *testing.T) {
	garbage := map[string][]string{
		"status/bootservers/-1": {`{"version":"v"}`},
		"status/bootservers/01": {`{"version":"v"}`},
		"status/stray":          {"{}"},
		"info/bootservers/x":    {""},
		"info/bootservers/-3":   {""},
		"info/stray":            {""},
		"presence/one":          {`{"version":"v"}`},
		"heartbeats/one":        {`{"at":"2026-11-21T09:00:00Z"}`},
		"contents/":             {`{"version":"v"}`},
		"config/worker-timeout": {"", "an hour", "-5"},
		"config/proxy":          {"not a url"},
		"config/stray":          {"x"},
		"config/github-token":   {"two\nlines"},
	}
	for _, sample := range storage.Samples(t) {
		garbage[sample.Key] = append(garbage[sample.Key], sample.Bad...)
	}
	for key, values := range garbage {
		for _, value := range values {
			t.Run(fmt.Sprintf("%s=%.20q", key, value), func(t *testing.T) { garbageIsNamed(t, key, value) })
		}
	}
}

func garbageIsNamed(t *testing.T, key, value string) {
	s := newStorage(t)
	put(t, s, "info/bootservers/0", "")
	put(t, s, key, value)
	before := all(t, s)
	snap, err := s.FullSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Malformed) != 1 || snap.Malformed[0].Key != key || !strings.HasPrefix(snap.Malformed[0].Error(), "MalformedKey "+key+": ") {
		t.Fatalf("malformed: %v", snap.Malformed)
	}
	if len(snap.Malformed[0].Error()) > 300 {
		t.Errorf("the error has %d bytes", len(snap.Malformed[0].Error()))
	}
	if diff := cmp.Diff([]int{0}, snap.Registered); diff != "" {
		t.Error(diff)
	}
	if snap.Config.WorkerTimeout != storage.DefaultWorkerTimeout || snap.Config.Env != neco.NoneEnv {
		t.Errorf("defaults do not hold: %+v", snap.Config)
	}
	if diff := cmp.Diff(before, all(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestWhatTheOriginalWroteIsRead(t *testing.T) {
	s := newStorage(t)
	rev := put(t, s, "status/current", `{"version":"2022.05.25-1","servers":[0,10,2],"stop":false,"started_at":"2022-05-25T10:00:00+09:00"}`)
	put(t, s, "status/bootservers/10", `{"version":"2022.05.25-1","step":3,"cond":1,"message":""}`)
	put(t, s, "config/worker-timeout", "1800000000000")
	snap := snapshot(t, s)
	if len(snap.Malformed) > 0 || snap.Request == nil || snap.Request.Rev != rev {
		t.Fatalf("%v %+v", snap.Malformed, snap.Request)
	}
	if st, ok := snap.Status(10); !ok || st.Step != 3 {
		t.Errorf("status %+v, of this run: %v", st, ok)
	}
	if snap.Config.WorkerTimeout != 30*time.Minute {
		t.Errorf("worker timeout %s", snap.Config.WorkerTimeout)
	}
}

func TestUnknownFieldsSurviveAStop(t *testing.T) {
	s := newStorage(t)
	put(t, s, "status/current", `{"version":"2026.11.21-1","servers":[0],"stop":false,"started_at":"2026-11-21T09:00:00Z","colour":{"is":"blue"}}`)
	if _, err := s.StopRequest(t.Context(), storage.Guard{LRN: -1}, snapshot(t, s).Request, update.OutcomeStopped, "enough"); err != nil {
		t.Fatal(err)
	}
	want := `{"colour":{"is":"blue"},"outcome":"stopped","reason":"enough","servers":[0],"started_at":"2026-11-21T09:00:00Z","stop":true,"version":"2026.11.21-1"}`
	if diff := cmp.Diff(want, all(t, s)["status/current"]); diff != "" {
		t.Error(diff)
	}
}

func TestGuards(t *testing.T) {
	s := newStorage(t)
	ctx := t.Context()
	if err := s.Register(ctx, 0); err != nil {
		t.Fatal(err)
	}
	holder := put(t, s, "presence/0", `{"version":"v"}`)
	rev, err := s.NewRequest(ctx, storage.Guard{LRN: 0}, request(0), storage.Origin{By: "test"}, false)
	if err != nil {
		t.Fatal(err)
	}
	good := storage.Guard{Holder: "presence/0", HolderRev: holder, Lost: storage.ErrLeaseLost, LRN: 0, RequestRev: rev}
	tests := map[string]struct {
		spoil func(*storage.Guard)
		want  error
	}{
		"all holds":               {func(*storage.Guard) {}, nil},
		"the holder's key is new": {func(g *storage.Guard) { g.HolderRev-- }, storage.ErrLeaseLost},
		"it is gone":              {func(g *storage.Guard) { g.Holder = "presence/1" }, storage.ErrLeaseLost},
		"the server has left":     {func(g *storage.Guard) { g.LRN = 1 }, storage.ErrNotRegistered},
		"the request has changed": {func(g *storage.Guard) { g.RequestRev-- }, storage.ErrSuperseded},
		"unless that is no matter": {func(g *storage.Guard) {
			g.RequestRev--
			g.AnyRequest = true
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			g := good
			tt.spoil(&g)
			before := all(t, s)
			st := update.Status{}
			st.Version = "2026.11.21-1"
			st.Message = name
			_, err := s.PutStatus(t.Context(), g, 0, st)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if changed := !cmp.Equal(before, all(t, s)); changed != (tt.want == nil) {
				t.Errorf("changed: %v", changed)
			}
		})
	}
}

func TestRecoverDeletesStatusAndContentsAndNothingElse(t *testing.T) {
	s := newStorage(t)
	ctx := t.Context()
	rev, err := s.NewRequest(ctx, storage.Guard{LRN: -1}, request(0), storage.Origin{By: "test"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"status/bootservers/0", "contents/sabakan", "contents/cke", "install/0/debs/x", "switch/cke"} {
		put(t, s, key, "{}")
	}
	if err := s.Recover(ctx, rev-1, storage.Act{}); !errors.Is(err, storage.ErrSuperseded) {
		t.Errorf("on another request: %v", err)
	}
	if err := s.Recover(ctx, rev, storage.Act{}); err != nil {
		t.Fatal(err)
	}
	var left []string
	for key := range all(t, s) {
		left = append(left, key[:strings.Index(key, "/")])
	}
	if len(left) != 3 {
		t.Errorf("left: %v", left)
	}
	runs, bad, err := s.History(ctx)
	if err != nil || len(bad) > 0 || len(runs) != 1 {
		t.Errorf("history %v %v %v", runs, bad, err)
	}
}

func TestTheHistoryOfARunIsClosedOnce(t *testing.T) {
	s := newStorage(t)
	ctx := t.Context()
	r := request(0, 1)
	if _, err := s.NewRequest(ctx, storage.Guard{LRN: -1}, r, storage.Origin{By: "boot-0"}, false); err != nil {
		t.Fatal(err)
	}
	for _, result := range []storage.Result{storage.ResultComplete, storage.ResultAborted} {
		if err := s.EndRun(ctx, r.ID(), result, "", started.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	runs, _, err := s.History(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 1 || runs[0].Result != storage.ResultComplete || runs[0].By != "boot-0" || runs[0].EndedAt.Sub(runs[0].StartedAt) != time.Minute {
		t.Errorf("%+v", runs)
	}
}

func TestASwitchIsDecidedByItsFirstWriter(t *testing.T) {
	s := newStorage(t)
	sw := update.Switch{Version: "v", StartedAt: started, Side: update.SideOld}
	if _, err := s.PutSwitch(t.Context(), storage.Guard{LRN: -1}, "cke", sw, 0); err != nil {
		t.Fatal(err)
	}
	sw.Side = update.SideNew
	if _, err := s.PutSwitch(t.Context(), storage.Guard{LRN: -1}, "cke", sw, 0); !errors.Is(err, storage.ErrSuperseded) {
		t.Errorf("second writer: %v", err)
	}
	if got := snapshot(t, s).Switches["cke"].Side; got != update.SideOld {
		t.Errorf("side %s", got)
	}
}

func TestTheDaemonsReadDurationsWithDays(t *testing.T) {
	s := newStorage(t)
	for _, name := range []string{"check-update-interval", "worker-timeout"} {
		k, err := storage.FindConfigKey(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutConfig(t.Context(), k, "1d12h", storage.Act{}); err != nil {
			t.Fatal(err)
		}
	}
	if c := snapshot(t, s).Config; c.CheckInterval != 36*time.Hour || c.WorkerTimeout != 36*time.Hour {
		t.Errorf("interval %s, timeout %s", c.CheckInterval, c.WorkerTimeout)
	}
}

func TestConfigKeysTakeAndGiveBackValues(t *testing.T) {
	tests := []struct{ name, text, stored, bad string }{
		{"env", "staging", "staging", "production"},
		{"slack", "https://hooks.example.com/x", "https://hooks.example.com/x", "hooks"},
		{"proxy", "http://10.0.49.3:3128", "http://10.0.49.3:3128", "10.0.49.3:3128"},
		{"check-update-interval", "10m", "600000000000", "10"},
		{"worker-timeout", "1h", "3600000000000", "-1h"},
		{"worker-timeout", "2d", "172800000000000", "2"},
		{"github-token", "abc", "abc", "a\nb"},
		{"external-ip-address-block", "10.0.0.0/24", "10.0.0.0/24", "10.0.0.1/24"},
		{"lb-address-block-default", "10.0.0.0/24", "10.0.0.0/24", "fd00::/64"},
		{"lb-address-block-internet-cn", "10.0.0.0/24", "10.0.0.0/24", "10.0.0.0"},
		{"release-time", "0 3 * * *\n0 4 * * *", "0 3 * * *\n0 4 * * *", "@daily"},
		{"release-timezone", "Asia/Tokyo", "Asia/Tokyo", "Local"},
		{"env", "dev", "dev", "test-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStorage(t)
			k, err := storage.FindConfigKey(tt.name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.GetConfig(t.Context(), k); !errors.Is(err, storage.ErrNotSet) {
				t.Errorf("before: %v", err)
			}
			err = s.PutConfig(t.Context(), k, tt.bad, storage.Act{})
			if err == nil || !strings.Contains(err.Error(), tt.name) || k.Secret && strings.Contains(err.Error(), tt.bad) {
				t.Errorf("bad value: %v", err)
			}
			if err := s.PutConfig(t.Context(), k, tt.text, storage.Act{}); err != nil {
				t.Fatal(err)
			}
			if got := all(t, s)["config/"+k.Key]; got != tt.stored {
				t.Errorf("stored %q, want %q", got, tt.stored)
			}
			if got, err := s.GetConfig(t.Context(), k); err != nil || got != tt.text {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if _, err := storage.FindConfigKey("envy"); err == nil || !strings.Contains(err.Error(), "did you mean env?") {
		t.Errorf("unknown key: %v", err)
	}
}

func TestABadReleaseIsMarkedWithTheAbortAndForgottenOnDemand(t *testing.T) {
	s := newStorage(t)
	st := update.Status{StartedAt: &started}
	st.Version, st.Step, st.Cond, st.Message = "2026.11.21-1", 0, neco.CondAbort, "digest mismatch"
	if _, err := s.PutFault(t.Context(), storage.Guard{LRN: 1}, 1, st); !errors.Is(err, storage.ErrNotRegistered) {
		t.Errorf("of a server that has left: %v", err)
	}
	if snap := snapshot(t, s); len(snap.Bad)+len(snap.Statuses) != 0 {
		t.Fatalf("a refused write: %+v", snap)
	}
	if _, err := s.PutFault(t.Context(), storage.Guard{LRN: -1}, 1, st); err != nil {
		t.Fatal(err)
	}
	snap := snapshot(t, s)
	if got := snap.Bad["2026.11.21-1"]; got.Reason != "digest mismatch" || got.LRN != 1 || got.At.IsZero() || snap.Statuses[1].Cond != neco.CondAbort {
		t.Fatalf("%+v", snap)
	}
	put(t, s, storage.KeyRelease, "2026.11.20-1")
	known := &storage.KnownRelease{Version: "2026.11.21-1"}
	if _, err := s.RetryRelease(t.Context(), "2026.11.21-1", known, storage.Act{}); !errors.Is(err, storage.ErrSuperseded) {
		t.Errorf("the known release has changed: %v", err)
	}
	known.Replaces = snapshot(t, s).ReleaseRev
	for _, want := range []bool{true, false} {
		if removed, err := s.RetryRelease(t.Context(), "2026.11.21-1", known, storage.Act{}); err != nil || removed != want {
			t.Errorf("got %v, %v, want %v", removed, err, want)
		}
	}
	if snap := snapshot(t, s); len(snap.Bad) != 0 || snap.Release != "2026.11.21-1" {
		t.Errorf("%+v", snap)
	}
}
