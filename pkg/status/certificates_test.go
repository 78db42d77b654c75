package status_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestCertificateWarnings(t *testing.T) {
	const day = 24 * time.Hour
	now := *clock(10 * time.Minute)
	tests := []struct {
		name string
		c    storage.Certificates
		want string
	}{
		{"long life", storage.Certificates{Purpose: "neco", NotAfter: now.Add(31 * day), Since: *clock(0)}, ""},
		{"ends soon", storage.Certificates{Purpose: "neco", NotAfter: now.Add(12*day + time.Hour), Since: *clock(0)},
			"boot server 1: certificate neco expires at 2024-01-14 16:10:00Z, in 12d"},
		{"has ended", storage.Certificates{Purpose: "vault", NotAfter: now.Add(-time.Second), Since: *clock(0)},
			"boot server 1: certificate vault has expired at 2024-01-02 15:09:59Z"},
		{"cannot be renewed", storage.Certificates{Purpose: "neco", NotAfter: now.Add(40 * day), Error: "vault is\nsealed", Since: *clock(0)},
			"boot server 1: certificate neco expires at 2024-02-11 15:10:00Z, in 40d; no renewal since 2024-01-02 15:00:00Z: vault is sealed"},
		{"cannot be read", storage.Certificates{Error: "server.crt is absent", Since: *clock(0)},
			"boot server 1: no renewal since 2024-01-02 15:00:00Z: server.crt is absent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			old := status.New(complete(), steps.Table(), now)
			s := complete()
			s.Certificates = map[int]storage.Certificates{1: tt.c, 99: {Error: "a stranger's"}}
			v := status.New(s, steps.Table(), now)
			var b bytes.Buffer
			if err := v.Render(&b); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(unwrapped(b), tt.want) || strings.Contains(b.String(), "boot server 1:") != (tt.want != "") {
				t.Errorf("shown:\n%s", b.String())
			}
			want := []string{tt.want}
			if tt.want == "" {
				want = nil
			}
			if diff := cmp.Diff(want, v.Changes(old)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
