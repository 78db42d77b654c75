package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// suiteRow matches a row of the table of test suites, as the script .ci/suite does.
var suiteRow = regexp.MustCompile("(?m)^\\| `([a-z-]*)` \\| (`.*`) \\| `([0-9a-f]*)` \\|$")

func TestCIDrawsASuiteOfTheTable(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(rootDir, "docs/development.md"))
	if err != nil {
		t.Fatal(err)
	}
	targets, err := os.ReadFile(filepath.Join(rootDir, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range suiteRow.FindAllStringSubmatch(string(data), -1) {
		names = append(names, row[1])
		for _, subject := range strings.Split(row[2], ", ") {
			if _, err := os.Stat(filepath.Join(rootDir, strings.Trim(subject, "`"))); err != nil {
				t.Errorf("suite %s: %v", row[1], err)
			}
		}
		if _, err := os.Stat(filepath.Join(rootDir, "dctest/suites", row[1])); err != nil && !bytes.Contains(targets, []byte("\ntest-"+row[1]+":")) {
			t.Errorf("suite %s: %v, and the Makefile has no target test-%[1]s", row[1], err)
		}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(rootDir, ".ci/suite")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if drawn := strings.TrimSpace(string(out)); len(names) < 4 || !slices.Contains(names, drawn) {
		t.Errorf("it draws %q from %v", drawn, names)
	}
}
