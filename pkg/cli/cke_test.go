package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

func TestTheTemplateOfAPackageIsNotForAnotherCKE(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{neco.CKECertFile, "/usr/lib/neco/cke/1.22.6/cke"} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	err := updateCKE(t.Context(), io.Discard, &Env{FS: host.FS{Root: root}})
	if err == nil || !strings.HasPrefix(err.Error(), "CKE starts here in the version of another release") {
		t.Errorf("got %v", err)
	}
}
