package toolset_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func TestABundleThatIsWrongIsNamed(t *testing.T) {
	const good = `tools:
- name: x
  licence: MIT
  version: v1
  url: https://h/x
  checksums: https://h/s
  install: {x: [/usr/bin/x]}
  completion: {x: {shells: [bash], args: [completion, $SHELL]}}
  bundle: [x]
  platforms:
    windows/amd64: {url: https://h/$VERSION/x.exe, bundle: {x.exe: x.exe}}
`
	l, err := toolset.Load(write(t, t.TempDir(), "tools.yaml", good))
	if err != nil {
		t.Fatal(err)
	}
	want := toolset.Download{URL: "https://h/v1/x.exe", Checksums: "https://h/s"}
	if d := cmp.Diff(want, l.Tools[0].Platforms["windows/amd64"].Download); d != "" {
		t.Errorf("the download (-want +got):\n%s", d)
	}
	for name, tt := range map[string]struct{ old, new, want string }{
		"a program without path":    {"{x: [/usr/bin/x]}", "{x: []}", "install: x has no path"},
		"another platform":          {"windows/amd64", "plan9/amd64", "platforms: plan9/amd64: the platform must be one of windows/amd64, darwin/amd64"},
		"the platform of servers":   {"windows/amd64", "linux/amd64", "platforms: linux/amd64: the platform must be one of"},
		"no TLS":                    {"https://h/$VERSION/x.exe", "http://h/x.exe", `platforms: windows/amd64: url: "http://h/x.exe" is not`},
		"a digest of another form":  {"x.exe, bundle", "x.exe, sha256: 12AB, bundle", `platforms: windows/amd64: sha256: "12AB"`},
		"no bundle of the tool":     {"  bundle: [x]\n", "", "platforms are for downloads with a bundle"},
		"no bundle of the platform": {"{x.exe: x.exe}", "{}", "platforms: windows/amd64: bundle is missing"},
		"a name with a directory":   {"{x.exe: x.exe}", "{x.exe: ../x.exe}", `bundle: "../x.exe" is not the name of a file`},
		"a program that it is not":  {"{x.exe: x.exe}", "{y.exe: x.exe}", "bundle: the only key must be x.exe"},
		"a completion of another":   {"completion: {x:", "completion: {y:", `completion: "y" is not in install`},
		"no shell":                  {"shells: [bash]", "shells: []", "completion: x: shells is missing"},
		"another shell":             {"shells: [bash]", "shells: [bash, csh]", `completion: x: there are no completions for the shell "csh"`},
		"no argument":               {", $SHELL]", "]", "completion: x: args must contain $SHELL"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("the list has no %q", tt.old)
			}
			_, err := toolset.Load(write(t, t.TempDir(), "tools.yaml", strings.Replace(good, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestModulesHaveNoDownloadsForPlatforms(t *testing.T) {
	const list = "tools:\n- name: x\n  licence: MIT\n  module: example.com/x\n  install: {x: [/usr/bin/x]}\n  bundle: [x]\n"
	for text, want := range map[string]string{
		"  cgo: true\n": "bundle: programs with cgo cannot be built for other platforms",
		"  platforms: {windows/amd64: {url: https://h/x.exe, bundle: {x.exe: x.exe}}}\n": "platforms are for downloads",
	} {
		dir := t.TempDir()
		write(t, dir, "tools/x/go.mod", "module m\n\ngo 1.26.0\n\ntool example.com/x\n\nrequire example.com/x v1.2.3\n")
		if _, err := toolset.Load(write(t, dir, "tools.yaml", list+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestDigestsOfPlatformsArePinned(t *testing.T) {
	one, two := sum([]byte("1")), sum([]byte("2"))
	p := publish(t, map[string][]byte{"/sums": []byte(one + "  x\n" + two + "  x.exe\n")})
	file := write(t, t.TempDir(), "tools.yaml", fmt.Sprintf(`tools:
  - name: x
    licence: MIT
    version: v1
    url: %[1]s/x
    checksums: %[1]s/sums
    install: {x: [/usr/bin/x]}
    bundle: [x]
    platforms:
      windows/amd64:
        url: %[1]s/x.exe # for Windows
        bundle: {x.exe: x.exe}
`, p.URL))
	l, err := toolset.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	err = l.CheckDigests()
	if want := "the digests of these are unknown:\n  x v1\n  x v1 for windows/amd64\nrun make tools-pin "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("before: %v, want %q", err, want)
	}
	changes, err := toolset.Pin(t.Context(), p.Client(), file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x v1: " + one, "x v1 for windows/amd64: " + two}
	if d := cmp.Diff(want, changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if l, err = toolset.Load(file); err != nil {
		t.Fatal(err)
	}
	if got := l.Tools[0].Platforms["windows/amd64"].SHA256; got != two || l.Tools[0].SHA256 != one {
		t.Errorf("the list afterwards: %+v", l)
	}
	if err := l.CheckDigests(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if changes, err := toolset.Pin(t.Context(), p.Client(), file); err != nil || changes != nil {
		t.Errorf("a second time: %v, %v", changes, err)
	}
}
