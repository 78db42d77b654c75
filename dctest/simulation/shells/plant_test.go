package shells

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root directory of the repository.
const root = "../../.."

// plant is a bug that the suites must find. It is made by an edit of one source file.
type plant struct {
	name     string
	file     string
	old, new string
	// seeds is how many seeds the model may need to find the bug. symptom is a text in
	// the output of the suite that has found it.
	seeds   string
	symptom string
}

func plants() []plant {
	return []plant{
		{
			name:  "the end of a session waits for a result that was taken already",
			file:  "pkg/worker/lock.go",
			old:   "\tif res.err != nil {\n\t\treturn fmt.Errorf(\"compete",
			new:   "\tif res.err != nil {\n\t\tr.lock.done = newResult[lockResult]()\n\t\treturn fmt.Errorf(\"compete",
			seeds: "200", symptom: "worker",
		},
		{
			name:  "a campaign gives its key back without a deadline",
			file:  "pkg/election/campaign.go",
			old:   "e := concurrency.NewElection(session, prefix)",
			new:   "e := concurrency.NewElection(s.session, prefix)",
			seeds: "200", symptom: "has not ended",
		},
		{
			name:  "a follower gives up after an error",
			file:  "pkg/storage/follow.go",
			old:   "err != nil && !pause(ctx, watchPause) {",
			new:   "err != nil && (!pause(ctx, watchPause) || true) {",
			seeds: "200", symptom: "run of",
		},
	}
}

// TestTheModelFindsPlantedBugs builds the suite with each bug in turn. The suite must
// fail with the symptom.
func TestTheModelFindsPlantedBugs(t *testing.T) {
	for _, p := range plants() {
		t.Run(p.name, func(t *testing.T) {
			p.wantFound(t, "-run=^TestShellsOnTheModel$", ".", "-args", "-seeds="+p.seeds)
		})
	}
}

// wantFound runs go test on the source with the bug, and checks that the suite fails with
// the symptom.
func (p plant) wantFound(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"test", "-count=1", "-timeout=15m", "-overlay=" + p.overlay(t)}, args...)...)
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		t.Errorf("the suite passes with the bug:\n%s", out)
	case !bytes.Contains(out, []byte("--- FAIL: TestShells")) || !bytes.Contains(out, []byte(p.symptom)):
		t.Errorf("the suite fails in another way:\n%s", out)
	}
}

// overlay writes the changed source file and the overlay file for go build, and returns
// the path of the latter.
func (p plant) overlay(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, p.file))
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), p.old) != 1 {
		t.Fatalf("%s does not contain the code of the bug exactly once", p.file)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(source), p.old, p.new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
