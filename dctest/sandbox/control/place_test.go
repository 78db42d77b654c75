package control

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func place(t *testing.T, name string) Place {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	p, err := PlaceOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPlaceIsTakenOnce(t *testing.T) {
	p := place(t, "default")
	release, err := p.Take()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Take(); !errors.Is(err, ErrTaken) {
		t.Errorf("the second Take: %v", err)
	}
	other, err := PlaceOf("other")
	if err != nil {
		t.Fatal(err)
	}
	releaseOther, err := other.Take()
	if err != nil {
		t.Fatalf("another name: %v", err)
	}
	releaseOther()
	release()
	release, err = p.Take()
	if err != nil {
		t.Fatalf("after it was released: %v", err)
	}
	release()
}

func TestWhatAKilledSandboxHasLeftIsRemoved(t *testing.T) {
	for _, tc := range []struct {
		name      string
		temporary bool
	}{{"a temporary directory goes", true}, {"another one stays", false}} {
		t.Run(tc.name, func(t *testing.T) {
			p := place(t, "default")
			dir, socket := t.TempDir(), filepath.Join(t.TempDir(), "socket")
			want := State{Socket: socket, Dir: dir, Temporary: tc.temporary, PID: 1}
			if err := p.Write(want); err != nil {
				t.Fatal(err)
			}
			got, err := p.State()
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%v\n%s", err, diff)
			}
			if err := Down(t.Context(), "default"); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(dir); (err == nil) == tc.temporary {
				t.Errorf("the directory: %v", err)
			}
			if _, err := os.Stat(filepath.Dir(socket)); err == nil {
				t.Error("the directory of the socket is left")
			}
			if _, err := p.State(); err == nil {
				t.Error("the state is left")
			}
		})
	}
}

func TestANameIsAPlainWord(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, name := range []string{"", "..", "a/b", "a b", "ä"} {
		if _, err := PlaceOf(name); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func TestNobodyAnswersWhereNoSandboxRuns(t *testing.T) {
	place(t, "default")
	if _, err := Connect(t.Context(), "default"); !errors.Is(err, ErrNotRunning) || !strings.Contains(err.Error(), "sandbox default: it is not running") {
		t.Errorf("error %v", err)
	}
}
