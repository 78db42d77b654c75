package status_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestBackupWarnings(t *testing.T) {
	now := *clock(4 * time.Hour)
	signed := storage.Certificates{Purpose: "neco", NotAfter: now.Add(1000 * time.Hour)}
	longAgo, lately := signed, signed
	longAgo.Since, lately.Since = *clock(0), *clock(3 * time.Hour)
	tests := []struct {
		name        string
		certificate *storage.Certificates
		backup      *storage.Backup
		want        string
	}{
		{"a server that needs none", nil, nil, ""},
		{"the first is not due yet", &lately, nil, ""},
		{"never", &longAgo, nil, "boot server 1: no snapshot of etcd was ever taken"},
		{"one an hour ago", &longAgo, &storage.Backup{At: *clock(3 * time.Hour), Revision: 7}, ""},
		{"overdue", &longAgo, &storage.Backup{At: *clock(30 * time.Minute)},
			"boot server 1: no snapshot of etcd since 2024-01-02 15:30:00Z"},
		{"it fails", &longAgo, &storage.Backup{At: *clock(3 * time.Hour), Error: "DiskFull:\nno room", Since: *clock(200 * time.Minute)},
			"boot server 1: no snapshot of etcd since 2024-01-02 18:00:00Z; failing since 2024-01-02 18:20:00Z: DiskFull: no room"},
		{"it has always failed", &longAgo, &storage.Backup{Error: "no", Since: *clock(time.Hour)},
			"boot server 1: no snapshot of etcd was ever taken; failing since 2024-01-02 16:00:00Z: no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := complete()
			old := status.New(s, steps.Table(), now)
			if tt.certificate != nil {
				s.Certificates = map[int]storage.Certificates{1: *tt.certificate}
			}
			s.Backups = map[int]storage.Backup{99: {Error: "a stranger's"}}
			if tt.backup != nil {
				s.Backups[1] = *tt.backup
			}
			s.Malformed = []storage.MalformedKey{{Key: "backups/x", Err: errors.New("no number")}}
			v := status.New(s, steps.Table(), now)
			var b bytes.Buffer
			if err := v.Render(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(unwrapped(b), tt.want) || strings.Contains(b.String(), "no snapshot") != (tt.want != "") {
				t.Errorf("shown:\n%s", b.String())
			}
			want := []string{tt.want, "malformed key backups/x: no number"}
			if tt.want == "" {
				want = want[1:]
			}
			if diff := cmp.Diff(want, v.Changes(old)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
