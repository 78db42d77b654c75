package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// repository returns a git repository with two workflows; the first one calls the second.
func repository(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		dir + "/main.yml": `
name: main
on: [push]
jobs:
  first:
    timeout-minutes: 1
    steps:
      - uses: actions/checkout@v4
      - run: make hello
      - run: make secret
        env:
          TOKEN: ${{ github.token }}
  all:
    needs: first
    uses: ./.github/workflows/suites.yml
  some:
    needs: [first, all]
    uses: ./.github/workflows/suites.yml
    with:
      suites: '["b"]'
`,
		dir + "/suites.yml": `
on:
  workflow_call:
    inputs:
      suites:
        default: '["a", "b"]'
jobs:
  suite:
    strategy:
      matrix:
        suite: ${{ fromJSON(inputs.suites) }}
    timeout-minutes: 1
    env:
      TAG: ${{ github.ref_name }}
    steps:
      - run: make suite
        env:
          SUITE: ${{ matrix.suite }}
`,
		"Makefile": "hello:\n\t@echo hello from $$(git ls-files | wc -l) files\nsuite:\n\t@test \"$$SUITE $$TAG\" = 'a v1'\n",
	} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "."}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"}} {
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	return root
}

func TestTheCommandsOfAWorkflowAreListedInOrder(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), repository(t), options{workflow: "main", ref: "v1"}, &out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"first make hello",
		"first TOKEN=${{ github.token }} make secret",
		"all/suite SUITE=a TAG=v1 make suite",
		"all/suite SUITE=b TAG=v1 make suite",
		"some/suite SUITE=b TAG=v1 make suite",
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADryRunStopsAtTheFirstFailure(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), repository(t), options{workflow: "main", ref: "v1", run: true}, &out)
	if err == nil || !strings.Contains(err.Error(), "SUITE=b TAG=v1 make suite: exit status") {
		t.Errorf("%v", err)
	}
	_, results, _ := strings.Cut(out.String(), "=== the commands and their durations\n")
	results = regexp.MustCompile(`[0-9.]+ s\b`).ReplaceAllString(regexp.MustCompile(` +`).ReplaceAllString(results, " "), "1s")
	want := "first make hello 1s\n" +
		"first TOKEN=${{ github.token }} make secret not run: needs a token of GitHub\n" +
		"all/suite SUITE=a TAG=v1 make suite 1s\n" +
		"all/suite SUITE=b TAG=v1 make suite 1s, failed\n"
	if diff := cmp.Diff(want, results); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(out.String(), "hello from 3 files") {
		t.Errorf("the commands do not run in a clone: %s", out.String())
	}
}

// TestACommandEndsAtTheTimeLimit runs a command with a child process, which would keep the
// output open.
func TestACommandEndsAtTheTimeLimit(t *testing.T) {
	start := time.Now()
	c := command{line: "sleep 3600 & wait", timeout: 100 * time.Millisecond}
	err := c.run(t.Context(), t.TempDir(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "exceeded the time limit of the job, 100ms") {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > endTimeout/2 {
		t.Errorf("the child process ran for %s", took)
	}
}

func TestAnUnknownWorkflowIsAnError(t *testing.T) {
	if err := run(t.Context(), repository(t), options{workflow: "none"}, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), `there is no workflow "none"`) {
		t.Errorf("%v", err)
	}
}
