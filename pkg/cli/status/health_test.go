package status_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/cli/status"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheViewFitsIntoEightyColumns(t *testing.T) {
	for name, snap := range views() {
		var b bytes.Buffer
		if err := view(snap, *clock(10 * time.Minute)).Render(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > status.Width && !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: %d columns: %s", name, n, line)
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
	alarm[0].Healthy, alarm[0].Trouble = false, "alarm:NOSPACE"
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
			return s
		}, func(v *status.View) {
			v.AddHeartbeats(map[int]storage.Heartbeat{1: {At: *clock(7 * time.Minute)}}, nil)
		}, status.Degraded, []string{"boot server 1 has been silent since 2024-01-02 15:07:00Z"}},
		{"workers restart while the package is installed", func() *storage.Snapshot {
			s := running()
			delete(s.Presence, 1)
			return s
		}, func(v *status.View) {
			v.AddHeartbeats(map[int]storage.Heartbeat{1: {At: at.Add(-10 * time.Second)}}, nil)
		}, status.Updating, nil},
		{"nobody leads", complete, func(v *status.View) { v.AddLeaders("", -1) }, status.Degraded,
			[]string{"no neco-updater leads; see systemctl status neco-updater on each boot server"}},
		{"a member of etcd fails", complete, func(v *status.View) { v.AddEtcd(sick) }, status.Degraded,
			[]string{"boot-1: it does not answer at https://10.69.0.195:2379; see systemctl status etcd-container there"}},
		{"an alarm", complete, func(v *status.View) { v.AddEtcd(alarm) }, status.Degraded,
			[]string{"boot-0: alarm:NOSPACE; see systemctl status etcd-container there"}},
		{"the space is nearly used up", complete, func(v *status.View) { v.AddEtcd(full) }, status.Degraded,
			[]string{"boot-0 uses 92 % of its space quota"}},
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

func TestALongMessageKeepsItsCause(t *testing.T) {
	s := running()
	report(s, 1, 5, neco.CondRunning, "in progress: step 5 (setup-hw) converge: WARNING: IPv4 forwarding is disabled. "+strings.Repeat("Networking will not work. ", 20)+"docker: no such image")
	var b bytes.Buffer
	if err := view(s, *clock(10 * time.Minute)).Render(&b); err != nil {
		t.Fatal(err)
	}
	if text := unwrapped(b); !strings.Contains(text, "step 5 (setup-hw) converge") || !strings.Contains(text, "docker: no such image") {
		t.Error(text)
	}
}

func TestTheServerThatHoldsTheLockIsWaitedFor(t *testing.T) {
	s := running()
	for lrn := range 3 {
		report(s, lrn, 6, neco.CondRunning, "")
	}
	v := view(s, *clock(10 * time.Minute))
	v.AddLeaders("boot-0", 2)
	var b bytes.Buffer
	if err := v.Render(&b); err != nil {
		t.Fatal(err)
	}
	if text := unwrapped(b); !strings.Contains(text, "waiting for boot server 2 to finish step 6 (serf)") || !strings.Contains(text, "; then boot servers 0, 1") {
		t.Error(text)
	}
}
