package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestAReasonInTheHistoryKeepsItsBeginAndItsEnd(t *testing.T) {
	const begin, end = "step 0 (package) install on boot server 1:", "exit status 1"
	run := storage.Run{Kind: storage.KindRelease, Version: "2024.01.02-3", Servers: []int{0, 1, 2}, By: "boot-0", Result: storage.ResultAborted,
		StartedAt: time.Date(2024, 1, 2, 15, 0, 0, 0, time.UTC),
		Reason:    begin + " refused by dpkg: " + strings.Repeat("Selecting previously unselected package. ", 40) + end}
	for _, width := range []int{80, 132, 200, 300} {
		line := strings.Split(historyTable([]storage.Run{run}, width), "\n")[1]
		if !strings.Contains(line, begin) || !strings.HasSuffix(line, end) {
			t.Errorf("width %d: %s", width, line)
		}
		if n := len([]rune(line)); width >= 200 && (n > width || n < width*4/5) {
			t.Errorf("width %d: %d columns: %s", width, n, line)
		}
	}
	run.Reason = "disk full"
	if text := historyTable([]storage.Run{run}, 80); !strings.HasSuffix(text, "  aborted  disk full\n") {
		t.Error(text)
	}
}
