package notify

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func testRun() Run {
	return Run{
		Cluster:   "stage0",
		Version:   "2022.05.25-1",
		Servers:   []int{10, 0, 2},
		StartedAt: time.Date(2022, 5, 25, 12, 34, 56, 789, time.UTC),
	}
}

func TestMessages(t *testing.T) {
	for name, m := range map[string]Message{
		"begin":    Begin(testRun(), "new release"),
		"complete": Complete(testRun(), "took 12m3s"),
		"abort":    Abort(testRun(), "step 6 (serf) restart on boot server 2: timed out"),
		"timeout":  Timeout(testRun(), "waiting for boot server 10 at step 3"),
		"waiting":  Waiting(testRun(), []int{10, 2}, time.Date(2022, 5, 25, 12, 0, 0, 0, time.UTC)),
		"hostile":  Abort(Run{}, "<!channel> & \xff"),
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(payloadOf(m)); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALongTextIsCutBetweenCharacters(t *testing.T) {
	got := plain(strings.Repeat("é", maxText) + "end")
	if !strings.HasSuffix(got, "é …") || len(got) > maxText+len(" …") {
		t.Errorf("got %d bytes, ending %q", len(got), got[len(got)-10:])
	}
	if odd := plain("x" + strings.Repeat("é", maxText)); !strings.HasSuffix(odd, "é …") {
		t.Errorf("got an ending %q", odd[len(odd)-10:])
	}
}
