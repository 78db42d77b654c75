package osrelease

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValuesAreReadAsAShellDoes(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"NAME=\"Ubuntu\"\nVERSION_CODENAME=jammy\n# VERSION=1\n": {"NAME": "Ubuntu", "VERSION_CODENAME": "jammy"},
		"A=1\nA=2\n":                          {"A": "2"},
		"A=1\nA=\"\"\n":                       {},
		"A=\nB=''\nC=\"\"\n":                  {},
		`A='it"s \n'`:                         {"A": `it"s \n`},
		`A="\"x\" costs \$1 \\ \` + "`" + `"`: {"A": "\"x\" costs $1 \\ `"},
		`A=a\ b`:                              {"A": "a b"},
		`A="a\b"`:                             {"A": `a\b`},
		"  A=1  \r\nno assignment\n":          {"A": "1"},
		`A="x=y"`:                             {"A": "x=y"},
	} {
		if diff := cmp.Diff(want, Parse(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestTheFileBelowUsrIsReadWhereTheOtherIsMissing(t *testing.T) {
	dir := map[string]string{"/usr/lib/os-release": "ID=usr"}
	read := func(path string) ([]byte, error) {
		text, ok := dir[path]
		if !ok {
			return nil, os.ErrNotExist
		}
		return []byte(text), nil
	}
	for _, want := range []string{"usr", "etc"} {
		if got, err := Read(read); err != nil || got["ID"] != want {
			t.Errorf("Read = %v, %v, want %s", got, err, want)
		}
		dir["/etc/os-release"] = "ID=etc"
	}
	clear(dir)
	if _, err := Read(read); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}
