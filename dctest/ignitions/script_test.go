package ignitions_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// scriptTest runs the scripts of a node on this machine. Their files are in the tree; shell,
// coreutils, curl, jq and tar are the real programs, and commands that would change this
// machine are stubs.
type scriptTest struct {
	tree
	url string
}

// absolute matches the paths in scripts that belong to the node.
var absolute = regexp.MustCompile(`(^|[^\w./}*-])(/(?:opt|etc|run|sys|var/lib|dev/mapper|dev/disk|dev/\$\{slave)\b)`)

// stubbed are the commands that scripts must not run here, unless a test replaces them.
func stubbed() []string {
	return strings.Fields("blkid chrt docker e2fsck ethtool ip iptables iptables-restore lvcreate lvs mkfs.ext4 networkctl pvcreate pvs " +
		"sleep sysctl systemctl systemd-detect-virt udevadm uptime vgchange vgcreate vgextend vgreduce vgs")
}

// newScriptTest prepares the scripts of a role. sabakan answers
// their requests; nil has nothing.
func newScriptTest(t *testing.T, role string, changes map[string]any, sabakan http.Handler) *scriptTest {
	t.Helper()
	if sabakan == nil {
		sabakan = http.NotFoundHandler()
	}
	server := httptest.NewServer(sabakan)
	t.Cleanup(server.Close)
	m := machine(t, role, 1, 4)
	s := &scriptTest{newTree(t, parseData(t, renderedBy(t, server.URL, m, metadata(changes)))), server.URL}
	for _, path := range append(s.scripts(t), s.path("/opt/lib/neco/functions.sh")) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data = absolute.ReplaceAll(data, []byte("${1}"+string(s.tree)+"${2}"))
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range stubbed() {
		s.stub(t, name, "exit 0")
	}
	return s
}

// stub replaces a command by a shell script. Its calls are recorded.
func (s *scriptTest) stub(t *testing.T, name, script string) {
	t.Helper()
	s.write(t, "/stubs/"+name, "#!/bin/sh\necho \""+name+" $*\" >>"+s.path("/calls")+"\n"+script+"\n", 0o755)
}

// scriptLimit is the time after which a test ends a script and fails. The longest script starts
// thousands of commands, which takes more than a minute beside other suites.
const scriptLimit = 5 * time.Minute

// run runs a script and returns what it prints and its exit code.
func (s *scriptTest) run(t *testing.T, name string, args ...string) (string, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.path("/opt/sbin/"+name), args...)
	cmd.Env = []string{"PATH=" + s.path("/stubs") + ":/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR=" + t.TempDir(), "LC_ALL=C"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		t.Fatalf("%s: %v\n%s", name, err, out.String())
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// must runs a script that has to succeed.
func (s *scriptTest) must(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, code := s.run(t, name, args...); code != 0 {
		t.Fatalf("%s: exit code %d\n%s", name, code, out)
	}
}

// fails runs a script that has to fail with a message that contains want.
func (s *scriptTest) fails(t *testing.T, want, name string, args ...string) {
	t.Helper()
	if out, code := s.run(t, name, args...); code == 0 || !strings.Contains(out, want) {
		t.Errorf("%s: exit code %d, no %q in\n%s", name, code, want, out)
	}
}

// calls returns the recorded calls of a command, all of them for "", and forgets them.
func (s *scriptTest) calls(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(s.path("/calls"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	return slices.DeleteFunc(lines, func(l string) bool { return !strings.HasPrefix(l, name) || l == "" })
}

func (s *scriptTest) forget(t *testing.T) {
	t.Helper()
	if err := os.RemoveAll(s.path("/calls")); err != nil {
		t.Fatal(err)
	}
}

func (s *scriptTest) exists(name string) bool {
	found, _ := filepath.Glob(s.path(name))
	return len(found) > 0
}

func (s *scriptTest) check(t *testing.T, name string, want ...string) {
	t.Helper()
	if got := s.calls(t, name); !slices.Equal(got, want) {
		t.Errorf("calls of %s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
