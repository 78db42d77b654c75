package neco

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func tempFile(t *testing.T, data string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(data), 0600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadLRN(t *testing.T) {
	lrn, err := readLRN(tempFile(t, "12\n"))
	if err != nil || lrn != 12 {
		t.Errorf("readLRN = %d, %v", lrn, err)
	}
	for _, bad := range []string{"", "\n", "boot-1", "-1", "1 2"} {
		name := tempFile(t, bad)
		if _, err := readLRN(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("readLRN of %q: %v, want an error that names the file", bad, err)
		}
	}
}

func TestReadOSRelease(t *testing.T) {
	name := tempFile(t, "NAME=\"Ubuntu\"\nVERSION_CODENAME=jammy\n# VERSION=1\n")
	for key, want := range map[string]string{"NAME": "Ubuntu", "VERSION_CODENAME": "jammy"} {
		if got, err := readOSRelease(name, key); err != nil || got != want {
			t.Errorf("readOSRelease %s = %q, %v", key, got, err)
		}
	}
	if _, err := readOSRelease(name, "VERSION"); err == nil {
		t.Error("a key that is missing is no error")
	}
}
