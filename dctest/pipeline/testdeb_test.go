package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// compiler is a script that replaces go, and stages a program of another project. It fails unless
// it runs in a copy of the repository and with an empty cache.
const compiler = `#!/bin/sh
set -eu
[ "$1 $2 $3 $4" = "run ./cmd/toolset stage --cache" ]
[ "$PWD" != "$FIRST" ] && [ ! -e "$GOCACHE" ] && [ ! -e "$5" ]
mkdir -p "$6/usr/bin"
cp program "$6/usr/bin/x"
`

// clock is a script that replaces faketime.
const clock = "#!/bin/sh\nshift\nexec \"$@\"\n"

// newTestDeb returns a repository with tools/test-deb, which stages a program with the text built.
// NECO_TOOLS has the program x with the text "one".
func newTestDeb(t *testing.T, built string) fork {
	t.Helper()
	f := newFork(t)
	f.write(t, filepath.Join(f.dir, "tools/test-deb"), read(t, "tools/test-deb"), 0o755)
	f.write(t, filepath.Join(f.dir, "debian/build"), builder, 0o755)
	f.write(t, filepath.Join(f.dir, "program"), built, 0o755)
	f.write(t, filepath.Join(f.gh, "go"), compiler, 0o755)
	f.write(t, filepath.Join(f.gh, "faketime"), clock, 0o755)
	f.write(t, filepath.Join(f.dir, "build/tools/usr/bin/x"), "one", 0o755)
	f.write(t, filepath.Join(f.dir, ".gitignore"), "/build/\n", 0o644)
	f.env = append(f.env, "FIRST="+f.dir, "NECO_TOOLS=build/tools")
	return f
}

// The programs of other projects are built twice, too.
func TestTheSecondPackageHasProgramsThatAreBuiltAgain(t *testing.T) {
	const version = "2026.11.30-1"
	same := newTestDeb(t, "one")
	for _, part := range []string{"", "tools", "package"} {
		if out, err := same.run(t, "tools/test-deb", append([]string{version}, strings.Fields(part)...)...); err != nil {
			t.Errorf("the part %q: %v: %s", part, err, out)
		}
	}
	other := newTestDeb(t, "two")
	for _, part := range []string{"", "tools"} {
		out, err := other.run(t, "tools/test-deb", append([]string{version}, strings.Fields(part)...)...)
		if err == nil || !strings.Contains(out, "build/tools/usr/bin/x") {
			t.Errorf("the part %q with another program: %v: %s", part, err, out)
		}
	}
}

func TestAPartThatDoesNotExistIsRefused(t *testing.T) {
	f := newTestDeb(t, "one")
	f.env = append(f.env, "NECO_TOOLS=")
	for part, want := range map[string]string{
		"tool":  "tools/test-deb: the part 'tool' is neither tools nor package\n",
		"tools": "tools/test-deb: the part tools needs NECO_TOOLS; run: make tools\n",
	} {
		if out, err := f.run(t, "tools/test-deb", "2026.11.30-1", part); err == nil || out != want {
			t.Errorf("%s: %v: %q, want %q", part, err, out, want)
		}
	}
}
