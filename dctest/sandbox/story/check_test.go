package story

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatCannotGoWellIsSaidBeforeAnythingStarts(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "neco_2026.01.01-1_amd64.deb"), filepath.Join(dir, "neco_2026.01.01-2_amd64.deb")
	if err := os.WriteFile(one, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		debs []string
		want string
	}{
		{"no package", nil, "no package is given"},
		{"an older version", []string{two, one}, "2026.01.01-1 is not newer than 2026.01.01-2"},
		{"the same version", []string{one, one}, "2026.01.01-1 is not newer than 2026.01.01-1"},
		{"no file", []string{two}, "there is no file " + two},
		{"no digest", []string{one, two}, "there is no file " + one + ".sha256"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := Tell(t.Context(), Options{Debs: tt.debs, Out: &out})
			if err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}
