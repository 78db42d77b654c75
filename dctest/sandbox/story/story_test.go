//go:build sandbox

package story

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/sandbox"
	"github.com/cybozu-go/neco/dctest/sandbox/sandboxtest"
	"github.com/cybozu-go/neco/pkg/resolver"
	"github.com/cybozu-go/neco/pkg/steps"
)

func TestMain(m *testing.M) { os.Exit(sandboxtest.Main(m)) }

// timeout bounds one update while other updates run on a busy machine.
const timeout = 3 * time.Minute

// TestTheStory runs two stories at the same time, because sandboxes must not disturb
// each other.
func TestTheStory(t *testing.T) {
	debs := sandboxtest.Debs(t, 2)
	for _, name := range []string{"here", "there"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			s, err := Tell(t.Context(), Options{Debs: debs, Timeout: timeout, Out: &out})
			if err != nil {
				t.Errorf("%v\n%s", err, out.String())
			}
			if s == nil {
				return
			}
			dir := s.Dir()
			if len(sandboxtest.Processes(t, dir)) == 0 {
				t.Error("no process runs")
			}
			checkResolvers(t, s)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			checkStory(t, out.String())
			checkNothingLeft(t, dir)
		})
	}
}

func checkStory(t *testing.T, out string) {
	t.Helper()
	want := []string{
		"update to 2026.01.01-2: complete", "total",
		"boot server 0", "boot server 1", "boot server 2", "dpkg: installed 2026.01.01-2",
		"All 3 boot servers run 2026.01.01-2", "ignition templates 2026.01.01-1, 2026.01.01-2",
		"CKE runs on boot-0, boot-1, boot-2, and has ",
	}
	for _, st := range steps.Table() {
		want = append(want, st.Name)
	}
	if strings.Contains(out, "has 0 objects for Kubernetes") {
		t.Errorf("step 17 has given CKE nothing:\n%s", out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			t.Errorf("the story does not contain %q:\n%s", text, out)
		}
	}
}

// checkResolvers checks that each boot server has found its own resolver and uses it. A port
// that boot servers share, such as 53, is free for one of them only.
func checkResolvers(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	for _, lrn := range s.Servers() {
		srv, err := s.Server(lrn)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(srv.Root, "etc/resolv.conf"))
		if want := resolver.File().Data; err != nil || !bytes.Equal(got, want) {
			t.Errorf("boot server %d: /etc/resolv.conf is %q, %v\n%s", lrn, got, err,
				strings.Join(s.Tail(lrn, "cke-localproxy.service", 5), "\n"))
		}
	}
}

func checkNothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left := sandboxtest.Processes(t, dir); len(left) > 0 {
		t.Errorf("processes are left: %q", left)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestAStoryThatIsInterruptedLeavesNothing(t *testing.T) {
	debs := sandboxtest.Debs(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// The story is interrupted during the first update.
	out := &trigger{word: "step  1", f: cancel}
	s, err := Tell(ctx, Options{Debs: debs, Timeout: timeout, Out: out})
	if err == nil || s == nil {
		t.Fatalf("sandbox %v, error %v\n%s", s, err, out.String())
	}
	dir := s.Dir()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	checkNothingLeft(t, dir)
}

// TestAStoryThatFailsEndsWithTheReason checks that the last line of the output is enough
// to understand the failure.
func TestAStoryThatFailsEndsWithTheReason(t *testing.T) {
	debs := sandboxtest.Debs(t, 2)
	bad := filepath.Join(t.TempDir(), filepath.Base(debs[1]))
	if err := os.Symlink(debs[1], bad); err != nil {
		t.Fatal(err)
	}
	sum := strings.Repeat("0", 64) + "  " + filepath.Base(bad) + "\n"
	if err := os.WriteFile(bad+".sha256", []byte(sum), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := Tell(t.Context(), Options{Debs: []string{debs[0], bad}, Timeout: timeout, Out: &out})
	if s == nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !errors.Is(err, sandbox.ErrStopped) {
		t.Errorf("error %v", err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "failed: ") || !strings.Contains(last, "digest mismatch") {
		t.Errorf("the last line is %q", last)
	}
}

// trigger is a writer that calls f when word is written to it.
type trigger struct {
	bytes.Buffer
	word string
	f    func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(w.word)) {
		w.f()
	}
	return w.Buffer.Write(p)
}
