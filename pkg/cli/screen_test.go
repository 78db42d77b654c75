package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/status"
)

func TestAPictureIsDrawnInPlaceAndLeavesNothingBehind(t *testing.T) {
	var out bytes.Buffer
	var s screen
	v := status.View{At: time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC), State: status.None}
	for range 3 {
		if err := s.draw(&out, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.leave(&out); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if !strings.HasPrefix(text, enterAlternate) || strings.Count(text, enterAlternate) != 1 || !strings.HasSuffix(text, leaveAlternate) {
		t.Errorf("the alternate screen is not entered and left once: %q", text)
	}
	if strings.Count(text, home) != 3 {
		t.Errorf("drawn %d times in place", strings.Count(text, home))
	}
	// A newline at the end of the screen would scroll it.
	if strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\n") {
		t.Errorf("a newline without a return: %q", text)
	}
}

// aborted returns a view of a run whose reason has words longer than a line.
func aborted(at time.Time) status.View {
	digest := strings.Repeat("0123456789abcdef", 4)
	url := "https://releases.example.com/" + strings.Repeat("cybozu/", 8) + "neco_2024.01.02-3_amd64.deb"
	failure := "get " + url + ": digest mismatch: SHA-256 is " + digest + ", want " + strings.Repeat("f", 64)
	v := status.View{At: at, State: status.Stopped, Version: "2024.01.02-3", StartedAt: &at, Outcome: "aborted", Updater: "boot-0",
		Reason:      "step 0 (package) download on boot server 1: " + failure,
		Release:     status.Release{Env: "prod", Newest: "2024.01.02-3", CheckedAt: &at},
		BadReleases: []status.BadRelease{{Version: "2024.01.02-3", Reason: failure, LRN: 1, At: at}},
	}
	for lrn, state := range []status.ServerState{status.ServerStopped, status.ServerAborted, status.ServerStopped} {
		s := status.Server{LRN: lrn, Registered: true, Member: true, State: state, StepName: "package", Step: new(int), Doing: "download"}
		s.Worker = &status.Worker{Version: "2024.01.02-3", Since: at}
		s.Message = "tries again: step 0 (package) download: " + failure
		if state == status.ServerAborted {
			s.Message = v.Reason
		}
		v.Servers = append(v.Servers, s)
	}
	v.Servers[2].Worker, v.Servers[2].SilentSince = nil, ptr(at.Add(-time.Hour))
	return v
}

func ptr(t time.Time) *time.Time { return &t }

func TestAScreenKeepsItsHeadlineWhateverTheWords(t *testing.T) {
	v := aborted(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC))
	for _, size := range []struct{ width, height int }{{60, 15}, {80, 20}, {80, 24}, {40, 12}, {132, 50}, {20, 5}, {8, 3}} {
		got, err := picture(v, size.width, size.height)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > size.height || !strings.HasPrefix(got[0], "DEGRADED"[:min(8, size.width)]) {
			t.Errorf("%v: %d rows, the first one is %q", size, len(got), got[0])
		}
		for _, row := range got {
			if n := len([]rune(row)); n > size.width {
				t.Errorf("%v: a row has %d columns: %q", size, n, row)
			}
		}
		text := strings.Join(strings.Fields(strings.Join(got, "\n")), " ")
		if strings.Contains(text, "0123456789abcdef0123") {
			t.Errorf("%v: the digest is in full:\n%s", size, text)
		}
		for _, want := range []string{"boot server 2 has been silent since", "aborted", "digest mismatch", "run: neco recover", "systemctl status neco-worker"} {
			if size.width >= 60 && !strings.Contains(text, want) {
				t.Errorf("%v: no %q in\n%s", size, want, text)
			}
		}
	}
	got, err := picture(v, 80, 10)
	if err != nil || len(got) != 10 || !strings.HasSuffix(got[9], " more lines") {
		t.Errorf("%d rows, the last one is %q, %v", len(got), got[len(got)-1], err)
	}
}

func TestAReasonIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	if err := aborted(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)).Render(&out); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	if n := strings.Count(text, "digest mismatch"); n != 1 {
		t.Errorf("said %d times:\n%s", n, out.String())
	}
	for _, want := range []string{"neco recover --retry 2024.01.02-3", "SHA-256 is 0123456789ab…, want ffffffffffff…"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(line)) - 1; n > status.Width {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestWhatIsShownWhileEtcdIsAwayIsMarkedAsStale also checks that the durations in the
// view still increase.
func TestWhatIsShownWhileEtcdIsAwayIsMarkedAsStale(t *testing.T) {
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	checked := at.Add(-time.Minute)
	v := status.View{At: at, State: status.None, Release: status.Release{Env: "prod", CheckedAt: &checked}}
	v = stale(v, at.Add(30*time.Second), hint(errors.New("etcd has no majority"), "start etcd on the servers that do not answer"))
	var out bytes.Buffer
	if err := v.Render(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STALE    read 30s ago; since then: etcd has no majority", "last successful check 1m30s ago",
		"to do    start etcd on the servers that do not answer\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// TestAWatchThatBeginsWithoutEtcdShowsWhy also checks that the view shows what to do,
// before the first successful read.
func TestAWatchThatBeginsWithoutEtcdShowsWhy(t *testing.T) {
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	v := stale(status.View{At: at}, at, hint(errors.New("etcd has no majority"), "start etcd"))
	var out bytes.Buffer
	if err := v.Render(&out); err != nil {
		t.Fatal(err)
	}
	if want := "STALE    nothing was read yet: etcd has no majority\nto do    start etcd\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if _, err := picture(v, 60, 15); err != nil {
		t.Error(err)
	}
}

// TestWideCharactersTakeTwoColumns tests the view on the screen and the last view after
// it.
func TestWideCharactersTakeTwoColumns(t *testing.T) {
	v := aborted(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC))
	v.Reason = strings.Repeat("\u4fdd\u5b88\u4f5c\u696d", 60) + " maintenance"
	for _, width := range []int{80, 61} {
		got, err := picture(v, width, 30)
		if err != nil || !strings.Contains(strings.Join(got[:4], " "), "aborted") {
			t.Errorf("%d columns: the headline is gone: %q, %v", width, got[0], err)
		}
		for _, row := range got {
			if n := status.Columns(row); n > width {
				t.Errorf("a row has %d columns of %d: %q", n, width, row)
			}
		}
	}
}
