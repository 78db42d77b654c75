package packagefault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco/internal/packagefault"
)

func TestAFileThatIsAbsentOrMalformedIsAFaultOfThePackage(t *testing.T) {
	_, absent := os.ReadFile(filepath.Join(t.TempDir(), "absent"))
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"absent":     {absent, true},
		"malformed":  {errors.New("line 1: no value"), true},
		"unreadable": {&fs.PathError{Op: "read", Path: "/usr/share/neco/x", Err: errors.New("input/output error")}, false},
	} {
		err := packagefault.OfFile(tt.err)
		if got := packagefault.Is(fmt.Errorf("upload: %w", err)); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: a fault of the package: %t, want %t (%v)", name, got, tt.want, err)
		}
	}
	if packagefault.Is(absent) || !packagefault.Is(packagefault.Of(absent)) {
		t.Error("an error is marked only by Of and OfFile")
	}
}
