package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
)

func TestHintsNameTheProgramAsItWasCalled(t *testing.T) {
	for name, want := range map[string]string{
		control.DefaultName: "  " + os.Args[0] + " status ",
		"other":             "  " + os.Args[0] + " --name other status ",
	} {
		t.Run(name, func(t *testing.T) {
			if got := hints(name); !strings.Contains(got, want) {
				t.Errorf("%q is not in\n%s", want, got)
			}
		})
	}
}

func TestWhatIsMistypedIsExplained(t *testing.T) {
	tests := []struct{ name, args, err, hint string }{
		{"an unknown command", "fly", `there is no command "fly"`, "--help lists the commands"},
		{"too few arguments", "start worker", "start: an argument is missing", "usage: neco-sandbox start worker|updater|UNIT LRN"},
		{"too many arguments", "heal 1", `heal: "1" is one argument too many`, "usage: "},
		{"no sandbox", "--name nobody heal", "sandbox nobody: it is not running", "--name nobody run --keep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			name := control.DefaultName
			cmd := newCommand(&name)
			cmd.SetArgs(strings.Fields(tt.args))
			err := cmd.ExecuteContext(t.Context())
			if err == nil || err.Error() != tt.err || !strings.Contains(hintFor(err, name), tt.hint) {
				t.Errorf("%v; hint %q", err, hintFor(err, name))
			}
		})
	}
}

func TestAProgramThatNobodyReadsEndsQuietly(t *testing.T) {
	err := child(exec.CommandContext(t.Context(), "sh", "-c", "kill -PIPE $$").Run())
	if want := childError(141); err != want {
		t.Errorf("%v, want %v", err, want)
	}
	if code := exitCode(t.Context(), fmt.Errorf("neco: %w", err), ""); code != 141 {
		t.Errorf("exit code %d", code)
	}
}
