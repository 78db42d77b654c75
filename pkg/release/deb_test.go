package release

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const testControl = "Package: neco\nVersion: 2022.05.25-1\nArchitecture: amd64\n" +
	"Maintainer: Nobody <nobody@example.com>\nDescription: a package\n with a long text\n Version: 9\n"

// buildDeb builds a real package with dpkg-deb.
func buildDeb(t testing.TB, control, compression string) string {
	t.Helper()
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Fatal("dpkg-deb is not installed; it is in the Debian package dpkg")
	}
	tree := t.TempDir()
	if err := os.Chmod(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"DEBIAN/control": control, "usr/share/neco/file": strings.Repeat("data\n", 100)} {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	deb := filepath.Join(t.TempDir(), "built.deb")
	build := exec.Command("dpkg-deb", "-Z"+compression, "--uniform-compression", "--root-owner-group", "--build", tree, deb)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return deb
}

func TestInspectDebReadsRealPackages(t *testing.T) {
	want := Control{Package: "neco", Version: "2022.05.25-1", Architecture: "amd64"}
	for _, compression := range []string{"gzip", "xz", "zstd", "none"} {
		t.Run(compression, func(t *testing.T) {
			got, err := InspectDeb(buildDeb(t, testControl, compression))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVerifyDebNamesWhatDiffers(t *testing.T) {
	deb := buildDeb(t, testControl, "xz")
	cases := map[string]struct {
		name, version, arch string
		wrong               []string
	}{
		"the right package":    {"neco", "2022.05.25-1", "amd64", nil},
		"another name":         {"cke", "2022.05.25-1", "amd64", []string{`name is "neco", want "cke"`}},
		"another version":      {"neco", "2022.05.25-2", "amd64", []string{`version is "2022.05.25-1", want "2022.05.25-2"`}},
		"another architecture": {"neco", "2022.05.25-1", "arm64", []string{`architecture is "amd64", want "arm64"`}},
		"nothing fits":         {"cke", "1", "arm64", []string{"name", "version", "architecture"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := VerifyDeb(deb, c.name, c.version, c.arch)
			if (err == nil) != (c.wrong == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil && !errors.Is(err, ErrWrongPackage) {
				t.Errorf("%v is not ErrWrongPackage", err)
			}
			for _, part := range c.wrong {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		})
	}
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	for _, compression := range []string{"gzip", "xz", "zstd"} {
		data, err := os.ReadFile(buildDeb(t, testControl, compression))
		if err != nil {
			t.Fatal(err)
		}
		// The last member is padded to an even length.
		for size := range len(data) - 1 {
			if _, err := inspect(bytes.NewReader(data[:size]), int64(size)); err == nil {
				t.Errorf("%s: the first %d of %d bytes pass", compression, size, len(data))
			}
		}
	}
}

// ar returns an ar archive. Its arguments are names and contents in turn, which are not
// checked.
func ar(members ...string) string {
	archive := arMagic
	for i := 0; i+1 < len(members); i += 2 {
		archive += arHeader(members[i], fmt.Sprint(len(members[i+1]))) + members[i+1]
		if len(members[i+1])%2 == 1 {
			archive += "\n"
		}
	}
	return archive
}

func arHeader(name, size string) string {
	return fmt.Sprintf("%-16s%-12s%-6s%-6s%-8s%-10s%s", name, "0", "0", "0", "100644", size, arHeaderEnd)
}

func TestInspectRefusesWhatIsNoPackage(t *testing.T) {
	const format, old = "2.0\n", "0.939000\n"
	bomb := xzHead(40) // a dictionary of 4 GiB
	cases := map[string]struct {
		data string
		want error
	}{
		"an empty file":                      {"", ErrWrongPackage},
		"an error page":                      {"<html>not found</html>", ErrWrongPackage},
		"an empty archive":                   {arMagic, ErrTruncated},
		"half a header":                      {arMagic + "debian-binary", ErrTruncated},
		"a broken header":                    {arMagic + strings.Repeat("x", arHeaderSize), ErrWrongPackage},
		"a negative size":                    {arMagic + arHeader("debian-binary", "-4"), ErrWrongPackage},
		"a size that is no number":           {arMagic + arHeader("debian-binary", "four"), ErrWrongPackage},
		"a size beyond the end":              {arMagic + arHeader("debian-binary", "9999999999") + format, ErrTruncated},
		"the old format":                     {ar("debian-binary", old), ErrWrongPackage},
		"control data in front":              {ar("control.tar", "", "debian-binary", format), ErrWrongPackage},
		"another member":                     {ar("debian-binary", format, "evil", ""), ErrWrongPackage},
		"too many members":                   {ar(append([]string{"debian-binary", format}, strings.Split(strings.Repeat("_,,", 40), ",")...)...), ErrTooLarge},
		"no control data":                    {ar("debian-binary", format), ErrTruncated},
		"an empty control.tar":               {ar("debian-binary", format, "control.tar", ""), ErrWrongPackage},
		"a control.tar of garbage":           {ar("debian-binary", format, "control.tar", strings.Repeat("x", 1024)), ErrWrongPackage},
		"a gzip of garbage":                  {ar("debian-binary", format, "control.tar.gz", "garbage of some length"), ErrWrongPackage},
		"an empty gzip":                      {ar("debian-binary", format, "control.tar.gz", ""), ErrTruncated},
		"an xz of garbage":                   {ar("debian-binary", format, "control.tar.xz", strings.Repeat("garbage", 200)), ErrWrongPackage},
		"an xz that asks for all memory":     {ar("debian-binary", format, "control.tar.xz", bomb), ErrTooLarge},
		"a zstd of garbage":                  {ar("debian-binary", format, "control.tar.zst", "garbage of some length"), ErrWrongPackage},
		"a compression that nobody invented": {ar("debian-binary", format, "control.tar.zip", ""), ErrWrongPackage},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := writeFile(t, c.data)
			_, err := InspectDeb(path)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%q does not name the file", err)
			}
		})
	}
}

// xzHead returns the beginning of an xz file with this dictionary property.
func xzHead(dictionary byte) string {
	return "\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46" + "\x02\x00\x21\x01" + string(dictionary) + strings.Repeat("\x00", 64)
}

func TestParseControl(t *testing.T) {
	cases := map[string]struct {
		text string
		want Control
		ok   bool
	}{
		"the three fields":                     {"Package: a\nVersion: 1\nArchitecture: all\n", Control{"a", "1", "all"}, true},
		"names in any case":                    {"PACKAGE: a\nversion:1\nArchitecture: all", Control{"a", "1", "all"}, true},
		"continued lines are not fields":       {testControl, Control{"neco", "2022.05.25-1", "amd64"}, true},
		"a second paragraph does not count":    {"Package: a\nVersion: 1\n\nArchitecture: all\n", Control{}, false},
		"a field that stands twice is refused": {"Package: a\nPackage: b\nVersion: 1\nArchitecture: all\n", Control{}, false},
		"an empty field is missing":            {"Package:\nVersion: 1\nArchitecture: all\n", Control{}, false},
		"nothing":                              {"", Control{}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := parseControl(c.text)
			if (err == nil) != c.ok {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzInspect(f *testing.F) {
	for _, compression := range []string{"gzip", "xz", "zstd", "none"} {
		data, err := os.ReadFile(buildDeb(f, testControl, compression))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(arMagic))
	f.Add([]byte(ar("debian-binary", "2.0\n", "control.tar.xz", xzHead(40))))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := inspect(bytes.NewReader(data), int64(len(data)))
		if (err == nil) != (c.Package != "" && c.Version != "" && c.Architecture != "") {
			t.Errorf("got %+v, %v", c, err)
		}
	})
}
