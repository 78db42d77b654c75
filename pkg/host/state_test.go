package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/host"
)

func TestStateIsSavedForItsOwnerAlone(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	const name = "/var/lib/neco/x/state.json"
	var got map[string]int
	if found, err := fsys.LoadState(name, &got); found || err != nil {
		t.Errorf("nothing was saved: %t, %v", found, err)
	}
	if err := fsys.SaveState(name, map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if found, err := fsys.LoadState(name, &got); !found || err != nil || got["a"] != 1 {
		t.Errorf("%v, %t, %v", got, found, err)
	}
	if fi, err := fsys.Stat(name); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi, err)
	}
}

func TestAMalformedStateIsNamedAndNotRepeated(t *testing.T) {
	fsys := host.FS{Root: t.TempDir()}
	if err := os.WriteFile(filepath.Join(fsys.Root, "state.json"), []byte(`{"secret": "abc`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := fsys.LoadState("/state.json", &struct{}{})
	if !errors.Is(err, host.ErrMalformed) || !strings.Contains(err.Error(), "/state.json") || strings.Contains(err.Error(), "abc") {
		t.Errorf("error %v", err)
	}
}
