package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	serviceFile  = regexp.MustCompile(`\.service(\.tmpl)?$|-drop-in\.conf$`)
	restarts     = regexp.MustCompile(`(?m)^Restart=(.*)$`)
	forced       = regexp.MustCompile(`(?m)^RestartForceExitStatus=.*\bSIGPIPE\b`)
	singleAction = regexp.MustCompile(`(?m)^Type=oneshot$`)
)

// TestAServiceIsRestartedHoweverItEnds checks that systemd restarts every service of
// the package, also after an end that systemd counts as clean: SIGHUP, SIGPIPE, exit
// code 0.
func TestAServiceIsRestartedHoweverItEnds(t *testing.T) {
	seen := 0
	for _, name := range tracked(t) {
		if !serviceFile.MatchString(name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(rootDir, name))
		if err != nil || singleAction.Match(data) || !strings.Contains(string(data), "[Service]") {
			continue // deleted and not yet committed; or run again by whatever starts it
		}
		seen++
		m := restarts.FindSubmatch(data)
		if m == nil || string(m[1]) != "always" && !forced.Match(data) {
			t.Errorf("%s: neither Restart=always nor RestartForceExitStatus with SIGPIPE", name)
		}
	}
	if seen == 0 {
		t.Error("no service was found")
	}
}
