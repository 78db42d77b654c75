package status_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cybozu-go/neco/pkg/status"
)

func TestAShortenedErrorKeepsItsInnermostCause(t *testing.T) {
	const (
		begin = "step 14 (sabakan-contents) ignitions on boot server 0: load ignition template: "
		dir   = "/var/lib/neco-sandbox/run-20240102/boot-0/usr/share/neco/ignitions/"
	)
	cause := "unclosed action started at " + dir + "common/files/etc/bird/bird.conf:112"
	long := strings.Repeat("x", status.MessageMax)
	for name, tt := range map[string]struct{ text, end string }{
		"a cause with a long path":    {begin + dir + "roles/cs/site.yml:2: include: " + dir + "common/common.yml:30: template: " + dir + "common/files/etc/bird/bird.conf:113: " + cause, " … " + cause},
		"a short cause":               {begin + long + " y: connection refused", ": connection refused"},
		"a cause that is too long":    {begin + long + " the end", " the end"},
		"an output without any colon": {strings.ReplaceAll(long, "xx", "x ") + "the end", " the end"},
		"characters of several bytes": {begin + strings.Repeat("é ", status.MessageMax) + ": " + strings.Repeat("ü", status.MessageMax/2), " … " + strings.Repeat("ü", status.MessageMax/2)},
	} {
		t.Run(name, func(t *testing.T) {
			got := status.Shorten(tt.text, status.MessageMax)
			begins := tt.text[:20]
			if !strings.HasPrefix(got, begins) || !strings.HasSuffix(got, tt.end) || !strings.Contains(got, " … ") || utf8.RuneCountInString(got) > status.MessageMax {
				t.Errorf("got %q, want %q … %q", got, begins, tt.end)
			}
		})
	}
}
