package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// workflows returns all workflows of the repository by name.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]workflow{}
	for _, file := range files {
		name, ok := strings.CutSuffix(filepath.Base(file), ".yml")
		if !ok {
			t.Errorf("%s: the name of a workflow ends with .yml", file)
			continue
		}
		if all[name], err = load(root, name); err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 3 {
		t.Fatalf("there are %d workflows", len(all))
	}
	return all
}

// eachJob calls f for all jobs of all workflows.
func eachJob(t *testing.T, f func(where string, j job)) {
	t.Helper()
	for name, w := range workflows(t) {
		for _, j := range w.Jobs {
			f(name+"/"+j.name, j)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// makeLine matches the only form of commands in workflows.
var makeLine = regexp.MustCompile(`^make (?:-C (dctest) )?([a-z-]+)(?: [A-Z_]+=[a-z-]+)*$`)

// TestWorkflowsRunMakeTargets checks that the logic of the pipeline is in the Makefile, where
// it can be run on every machine.
func TestWorkflowsRunMakeTargets(t *testing.T) {
	eachJob(t, func(where string, j job) {
		if (j.Uses == "") == (len(j.Steps) == 0) {
			t.Errorf("%s has either steps or another workflow", where)
		}
		for _, s := range j.Steps {
			if s.Run == "" {
				continue
			}
			m := makeLine.FindStringSubmatch(s.Run)
			if m == nil {
				t.Errorf("%s: %q is not a call of make", where, s.Run)
				continue
			}
			if file := filepath.Join(m[1], "Makefile"); !strings.Contains(read(t, file), "\n"+m[2]+":") {
				t.Errorf("%s: %s has no target %s", where, file, m[2])
			}
		}
	})
}

// TestAJobIsBounded checks that each job has a time limit, and that workflows that start on
// their own do not run twice at a time for the same commit.
func TestAJobIsBounded(t *testing.T) {
	all := workflows(t)
	called := map[string]bool{}
	eachJob(t, func(where string, j job) {
		if j.Uses != "" {
			called[j.called()] = true
			if _, ok := all[j.called()]; !ok || !strings.HasPrefix(j.Uses, "./"+dir+"/") {
				t.Errorf("%s: there is no workflow %s", where, j.Uses)
			}
		} else if j.Timeout == 0 {
			t.Errorf("%s has no timeout-minutes", where)
		}
	})
	for name, w := range all {
		if !called[name] && w.Concurrency["group"] == "" {
			t.Errorf("%s has no concurrency group", name)
		}
		if called[name] && w.Concurrency != nil {
			t.Errorf("%s is called by another workflow and has a concurrency group of its own", name)
		}
	}
}

// TestJobsNeedEarlierJobs checks that the order in a file is an order in which the jobs can
// run.
func TestJobsNeedEarlierJobs(t *testing.T) {
	for name, w := range workflows(t) {
		earlier := map[string]bool{}
		for _, j := range w.Jobs {
			for _, n := range j.Needs {
				if !earlier[n] {
					t.Errorf("%s/%s needs %s, which is not before it", name, j.name, n)
				}
			}
			earlier[j.name] = true
		}
	}
}

// TestPermissionsAreMinimal checks that only the jobs that publish have more than read access,
// and that only their commands, and those that read from GitHub's API, have a token.
func TestPermissionsAreMinimal(t *testing.T) {
	readOnly := map[string]string{"contents": "read"}
	for name, w := range workflows(t) {
		if !maps.Equal(w.Permissions, readOnly) {
			t.Errorf("%s: permissions %v, want %v", name, w.Permissions, readOnly)
		}
	}
	write := map[string]string{"contents": "write"}
	allowed := map[string]map[string]string{
		"candidate/release":        write,
		"release/release":          write,
		"publish/publish":          write,
		"update-release/candidate": {"contents": "write", "actions": "write"},
	}
	tokens := map[string][]string{
		"make check-artifacts":   {"GITHUB_TOKEN"},
		"make artifacts":         {"GITHUB_TOKEN", "QUAY_USER", "QUAY_PASSWORD"},
		"make release-create":    {"GH_TOKEN"},
		"make release-candidate": {"GH_TOKEN"},
	}
	eachJob(t, func(where string, j job) {
		if !maps.Equal(j.Permissions, allowed[where]) {
			t.Errorf("%s: permissions %v, want %v", where, j.Permissions, allowed[where])
		}
		for _, s := range j.Steps {
			for name, value := range s.Env {
				if isSecret(value) && !slices.Contains(tokens[s.Run], name) {
					t.Errorf("%s: %s has %s=%s", where, s.Run, name, value)
				}
			}
		}
		for name, value := range j.Env {
			if isSecret(value) {
				t.Errorf("%s has %s=%s", where, name, value)
			}
		}
	})
}

// TestActionsAreThoseOfGitHub checks that workflows use few actions of GitHub and those of
// this repository, and that no action keeps a token in the clone.
func TestActionsAreThoseOfGitHub(t *testing.T) {
	allowed := []string{"actions/checkout@v4", "actions/setup-go@v5", "actions/cache@v4", "actions/upload-artifact@v4", "./.github/actions/setup"}
	eachJob(t, func(where string, j job) {
		for _, s := range j.Steps {
			if s.Uses != "" && !slices.Contains(allowed, s.Uses) {
				t.Errorf("%s uses %s", where, s.Uses)
			}
			if strings.HasPrefix(s.Uses, "actions/checkout@") && (s.With["persist-credentials"] != false || s.With["fetch-depth"] != 0) {
				t.Errorf("%s: checkout with %v: the token stays in the clone, or the tags and earlier commits are missing", where, s.With)
			}
		}
	})
	for _, m := range regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(read(t, ".github/actions/setup/action.yml"), -1) {
		if !slices.Contains(allowed, m[1]) {
			t.Errorf("the action setup uses %s", m[1])
		}
	}
}

// suiteRow matches a row of the table of suites.
var suiteRow = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| `.*` \\| `[0-9a-f]+` \\|$")

// TestThePipelineRunsAllSuites compares the suites of the workflows with the table in
// docs/development.md.
func TestThePipelineRunsAllSuites(t *testing.T) {
	var table []string
	for _, row := range suiteRow.FindAllStringSubmatch(read(t, "docs/development.md"), -1) {
		table = append(table, row[1])
	}
	text, err := workflows(t)["suites"].suites()
	if err != nil {
		t.Fatal(err)
	}
	if all, err := names(text); err != nil || !slices.Equal(slices.Sorted(slices.Values(all)), slices.Sorted(slices.Values(table))) {
		t.Errorf("suites %q (%v); the table has %q", all, err, table)
	}
	eachJob(t, func(where string, j job) {
		if j.With["suites"] == "" {
			return
		}
		some, err := names(j.With["suites"])
		if err != nil || len(some) == 0 || slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(table, s) }) {
			t.Errorf("%s: suites %q (%v); the table has %q", where, some, err, table)
		}
	})
}
