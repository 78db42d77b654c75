package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProgramEndsAsTheCommandOnTheNodeHas(t *testing.T) {
	for name, tc := range map[string]struct {
		err   error
		code  int
		words string
	}{
		"it is well":         {nil, 0, ""},
		"the command failed": {fmt.Errorf("exec: %w", &commandError{7}), 7, ""},
		"placemat failed":    {errors.New("no node"), 1, "Error: no node\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var words strings.Builder
			if code := status(tc.err, &words); code != tc.code {
				t.Errorf("status %d, want %d", code, tc.code)
			}
			if diff := cmp.Diff(tc.words, words.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryDocumentedCommandIsThere(t *testing.T) {
	var got []string
	for _, c := range newCommand().Commands() {
		got = append(got, c.Name())
	}
	want := []string{"bmc", "cut", "down", "exec", "graph", "heal", "kill", "link", "log", "pause", "poweroff", "poweron", "rate", "resume", "silence", "status", "up", "wipe"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGraphDrawsADescriptionInOneOfTwoLanguages(t *testing.T) {
	cmd := newCommand()
	cmd.SetArgs([]string{"graph", "-o", "png", t.TempDir()})
	cmd.SetOut(io.Discard)
	if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), "svg") {
		t.Errorf("error %v, want one about svg", err)
	}
}
