package toolset_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// writePinned writes a list with the downloads a, b and c, of which b has the digest sum, and
// returns its name.
func writePinned(t *testing.T, p *publisher, sum string) string {
	t.Helper()
	return write(t, t.TempDir(), "tools.yaml", fmt.Sprintf(`# A comment.
tools:
  - name: a # of a
    licence: MIT
    version: v1
    url: %[1]s/a.tgz
    checksums: %[1]s/a.tgz.sha256
    sha256: ""
    install: {a: [/usr/bin/a]}
  - name: b
    licence: MIT
    version: v2
    url: %[1]s/b.tgz
    checksums: %[1]s/sums
    sha256: "%[2]s"
    install: {b: [/usr/bin/b]}
  - name: c
    licence: MIT
    version: v3
    url: %[1]s/c.tgz
    checksums: %[1]s/c.tgz.sha256
    install: {c: [/usr/bin/c]}
`, p.URL, sum))
}

// digests returns the digests in a list, by the names of the tools.
func digests(t *testing.T, file string) map[string]string {
	t.Helper()
	l, err := toolset.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, tool := range l.Tools {
		all[tool.Name] = tool.SHA256
	}
	return all
}

func TestPinReadsDigestsFromThePublisher(t *testing.T) {
	p := publish(t, nil)
	one, two, three := sum([]byte("1")), sum([]byte("2")), sum([]byte("3"))
	p.files = map[string][]byte{
		"/a.tgz.sha256": []byte(one + "\n"),
		"/sums":         []byte(one + "  other\n" + two + " *b.tgz\n"),
		"/c.tgz.sha256": []byte(three + "  dist/c.tgz\n"),
	}
	file := writePinned(t, p, "")
	changes, err := toolset.Pin(t.Context(), p.Client(), file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a v1: " + one, "b v2: " + two, "c v3: " + three}, changes); d != "" {
		t.Errorf("changes (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"a": one, "b": two, "c": three}, digests(t, file)); d != "" {
		t.Errorf("the list afterwards (-want +got):\n%s", d)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(text), "# A comment.\n") || !strings.Contains(string(text), "# of a") {
		t.Errorf("the comments are lost: %s", text)
	}
	if changes, err := toolset.Pin(t.Context(), p.Client(), file); err != nil || changes != nil {
		t.Errorf("a second time: %v, %v", changes, err)
	}
	if now, _ := os.ReadFile(file); string(now) != string(text) {
		t.Errorf("a second time: the list has changed: %s", now)
	}
}

// Whatever the publisher of b says, its known digest stays, and those of the others are written.
func TestPinKeepsAKnownDigestAndGoesOn(t *testing.T) {
	known, other, one, three := sum([]byte("2")), sum([]byte("x")), sum([]byte("1")), sum([]byte("3"))
	for sums, want := range map[string]string{
		other + "  b.tgz\n": "b v2: the digest in the list is " + known + ", that of the publisher is " + other + "; empty sha256 first if the change is expected",
		one + "  other\n":   "/sums: it has no SHA-256 of b.tgz",
		"<html>  b.tgz\n":   `/sums: "<html>" is not a SHA-256`,
		"":                  "/sums: the server answers 404",
	} {
		p := publish(t, map[string][]byte{"/a.tgz.sha256": []byte(one), "/c.tgz.sha256": []byte(three)})
		if sums != "" {
			p.files["/sums"] = []byte(sums)
		}
		file := writePinned(t, p, known)
		changes, err := toolset.Pin(t.Context(), p.Client(), file)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `tool "b": b v2: `) {
			t.Errorf("%q: %v, want %q", sums, err, want)
		}
		if d := cmp.Diff([]string{"a v1: " + one, "c v3: " + three}, changes); d != "" {
			t.Errorf("%q: changes (-want +got):\n%s", sums, d)
		}
		if d := cmp.Diff(map[string]string{"a": one, "b": known, "c": three}, digests(t, file)); d != "" {
			t.Errorf("%q: the list afterwards (-want +got):\n%s", sums, d)
		}
	}
}

func TestPinReportsEachPublisherThatFails(t *testing.T) {
	p := publish(t, nil)
	file := writePinned(t, p, "")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := toolset.Pin(t.Context(), p.Client(), file)
	for _, want := range []string{`tool "a": a v1: `, `tool "b": b v2: `, `tool "c": c v3: `} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if now, _ := os.ReadFile(file); changes != nil || string(now) != string(before) {
		t.Errorf("changes %v, the list %s", changes, now)
	}
}
