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
	callFilter   = regexp.MustCompile(`(?m)^SystemCallFilter=(.*)$`)
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

// TestAFilterOfSystemCallsBeginsWithAnAllowList checks that the first SystemCallFilter of a
// service is a list of allowed calls. systemd takes the kind of the first list as that of the
// whole filter: after a list of denied calls, a list of allowed ones only takes calls away from it.
func TestAFilterOfSystemCallsBeginsWithAnAllowList(t *testing.T) {
	seen := 0
	for _, name := range tracked(t) {
		if !serviceFile.MatchString(name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(rootDir, name))
		if err != nil {
			continue // deleted, and not yet committed
		}
		m := callFilter.FindSubmatch(data)
		if m == nil {
			continue
		}
		seen++
		if strings.HasPrefix(string(m[1]), "~") {
			t.Errorf("%s: the first SystemCallFilter is %s, so the filter denies only these calls; put the allowed ones first", name, m[1])
		}
	}
	if seen == 0 {
		t.Error("no service with a filter was found")
	}
}
