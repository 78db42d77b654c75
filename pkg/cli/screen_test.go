package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/cli/status"
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

func TestAScreenShowsWhatItHasRoomFor(t *testing.T) {
	var lines [][]byte
	for i := range 30 {
		lines = append(lines, fmt.Append(nil, "line ", i))
	}
	got := fit(lines, 15)
	if len(got) != 15 || string(got[0]) != "line 0" || string(got[14]) != "… 16 more lines" {
		t.Errorf("%d lines: %q", len(got), got)
	}
	if got := fit(lines, 30); len(got) != 30 {
		t.Errorf("%d lines of 30", len(got))
	}
}

// TestWhatIsShownWhileEtcdIsAwayIsMarkedAsStale, and durations count on.
func TestWhatIsShownWhileEtcdIsAwayIsMarkedAsStale(t *testing.T) {
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	checked := at.Add(-time.Minute)
	v := status.View{At: at, State: status.None, Release: status.Release{Env: "prod", CheckedAt: &checked}}
	v.Stale = &status.Stale{At: at.Add(30 * time.Second), Error: "etcd has no majority"}
	var out bytes.Buffer
	if err := v.Render(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"STALE    read 30s ago; since then: etcd has no majority", "checked 1m30s ago"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
