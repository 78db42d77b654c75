package steps_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
)

// TestTheCompletionOfSabactlIsThatOfItsImage uses shell scripts in place of sabactl.
func TestTheCompletionOfSabactlIsThatOfItsImage(t *testing.T) {
	_, _, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	put(t, ch.FS, neco.SabakanCertFile, "x")
	at := update.Place{Step: sabakanStep, Action: 2}
	for _, tt := range []struct{ name, image, sabactl, note, want string }{
		{"not installed", "", "", "no such file", ""},
		{"it fails", "a:1", "echo no such command >&2; exit 2", "exit status 2: no such command", ""},
		{"it prints nothing", "a:1", "exit 0", "prints nothing", ""},
		{"it prints", "a:1", "echo one for $1", "", "one for completion\n"},
		{"the same image", "a:1", "echo two for $1", "", "one for completion\n"},
		{"another image", "a:2", "echo two for $1", "", "two for completion\n"},
		{"another image that fails", "a:3", "exit 1", "exit status 1", "two for completion\n"},
	} {
		if tt.sabactl != "" {
			put(t, ch.FS, "/var/lib/neco/tools/sabakan", tt.image)
			put(t, ch.FS, neco.SabactlBin, "#!/bin/sh\n"+tt.sabactl+"\n")
			if err := os.Chmod(ch.FS.Path(neco.SabactlBin), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		note, err := h.Do(t.Context(), at, tg)
		if err != nil || (tt.note == "") != (note == "") || !strings.Contains(note, tt.note) {
			t.Errorf("%s: note %q, %v; want %q", tt.name, note, err, tt.note)
		}
		got, err := ch.FS.Read(neco.SabactlBashCompletionFile)
		if string(got) != tt.want || err != nil && tt.want != "" {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}
