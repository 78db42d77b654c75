package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script is a shell script that prints a line before each of its steps, and records in
// the file $0 which steps it has started.
const script = `echo "$VAULT_TOKEN" >>"$0"; for w in one two three; do echo "$w begins"; echo "$w" >>"$0"; done; echo end`

func TestACommandIsKilledAtEachPattern(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 50 {
		file := filepath.Join(t.TempDir(), "begun")
		kills, err := run(ctx, []string{"^one ", "^two ", "^three ", "--", "sh", "-c", script, file}, strings.NewReader("token\n"))
		if err != nil || kills != 3 {
			t.Fatalf("killed %d times, %v", kills, err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		runs := strings.Split(strings.TrimPrefix(string(data), "token\n"), "token\n")
		if len(runs) != 4 || runs[3] != "one\ntwo\nthree\n" {
			t.Fatalf("it ran as %q", runs)
		}
		for i, later := range []string{"two", "three", ""} {
			if later != "" && strings.Contains(runs[i], later) {
				t.Errorf("run %d is killed after %q", i+1, runs[i])
			}
		}
	}
}

func TestACommandThatDoesNotPrintThePatternIsAnError(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, end := range []string{"true", "echo no >&2; exit 3"} {
		kills, err := run(ctx, []string{"^one ", "^four ", "--", "sh", "-c", script + "; " + end, os.DevNull}, strings.NewReader(""))
		if err == nil || kills != 1 || !strings.Contains(err.Error(), "^four : the command was not killed at this pattern") || !strings.Contains(err.Error(), "three begins") {
			t.Errorf("%s: killed %d times, %v", end, kills, err)
		}
	}
}
