package menu

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWriteRemovesWhatItHasLeftAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(theirs, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, files := range []map[string][]byte{
		{"a.conf": []byte("1"), "sub/b.conf": []byte("1"), "run": []byte("#!/bin/sh\n")},
		{"a.conf": []byte("2")},
	} {
		if err := Write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, pattern := range []string{"*", "*/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, names...)
	}
	want := []string{".placemat-menu", "a.conf", "notes.txt", "sub"}
	for i := range want {
		want[i] = filepath.Join(dir, want[i])
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteRemovesNothingOutsideOfItsDirectory(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inner := filepath.Join(dir, "dc")
	if err := Write(inner, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inner, manifestFile), []byte("../outside\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(inner, nil); err == nil {
		t.Error("accepted")
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}
