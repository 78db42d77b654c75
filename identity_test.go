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

func TestOSCodename(t *testing.T) {
	for text, want := range map[string]string{
		"NAME=\"Ubuntu\"\nVERSION_CODENAME=jammy\n# VERSION=1\n": "jammy",
		"VERSION_CODENAME=jammy\nVERSION_CODENAME=noble\n":       "noble",
		"VERSION_CODENAME=\"\"\n":                                "",
		"VERSION=1\n":                                            "",
	} {
		got, err := codename(func(string) ([]byte, error) { return []byte(text), nil })
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: codename %q, %v, want %q", text, got, err, want)
		}
	}
}
