package menu

import (
	flags "flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flags.Bool("update", false, "rewrite the golden files")

// filesOf returns the files generated from a menu.
func filesOf(t *testing.T, name string) map[string][]byte {
	t.Helper()
	m, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	files, err := m.Files()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// contents returns the contents of all files below dir. Those of executable files have an
// x in front.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == manifestFile {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if info.Mode()&0o100 != 0 {
			rel = "x " + rel
		}
		found[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMenuGivesTheseFiles(t *testing.T) {
	const golden = "testdata/golden"
	files := filesOf(t, "testdata/menu.yml")
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		if err := Write(golden, files); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "made", "by-write")
	for range 2 { // the second Write replaces existing files
		if err := Write(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(contents(t, golden), contents(t, dir)); diff != "" {
		t.Error(diff)
	}
}

func TestSameMenuSameBytes(t *testing.T) {
	for range 10 {
		if diff := cmp.Diff(filesOf(t, "testdata/menu.yml"), filesOf(t, "testdata/menu.yml")); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestMenusOfTheTestDataCentre(t *testing.T) {
	for name, racks := range map[string]int{"menu.yml": 3, "menu-1.yml": 1, "menu-5.yml": 5} {
		t.Run(name, func(t *testing.T) {
			m, err := Load("../../../dctest/" + name)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Inventory.Racks) != racks || m.Inventory.Spines != 2 {
				t.Errorf("%d racks, %d spines", len(m.Inventory.Racks), m.Inventory.Spines)
			}
			if _, err := m.Files(); err != nil {
				t.Error(err)
			}
		})
	}
}
