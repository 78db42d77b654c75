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

// suiteOrSpec matches the name of a suite or the beginning of a spec's text in
// docs/guarantees.md.
var suiteOrSpec = regexp.MustCompile("\\bsuites? `([a-z-]+)`|\"([^\"]+)\"")

// TestTheSpecsOfGuaranteesExist checks each text in quotes in docs/guarantees.md: a spec of
// the suite that is named before it on the same line begins with that text.
func TestTheSpecsOfGuaranteesExist(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(rootDir, "docs/guarantees.md"))
	if err != nil {
		t.Fatal(err)
	}
	specs := 0
	for _, line := range strings.Split(string(data), "\n") {
		suite := ""
		for _, m := range suiteOrSpec.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				suite = m[1]
				if !tests(t, suite, "RunSpecs(t, \""+suite+"\")") {
					t.Errorf("there is no suite %s", suite)
				}
				continue
			}
			specs++
			if suite == "" || !tests(t, suite, "It(\""+m[2]) && !tests(t, suite, "Describe(\""+m[2]) {
				t.Errorf("suite %q has no spec that begins with %q", suite, m[2])
			}
		}
	}
	if specs < 5 {
		t.Errorf("docs/guarantees.md names %d specs", specs)
	}
}

// tests reports whether a test file of a suite of the virtual data centre contains text.
func tests(t *testing.T, suite, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(rootDir, "dctest/suites", suite, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(data, []byte(text))
	})
}
