package setup

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

const seed = `
name: boot-0
cluster: dev
rack: 0
serial: fb8f2417d0b4db30050719c31ce02a2e8141bbd8
asn: 64600
node0: 10.69.0.3/32
bastion: 10.72.48.0/32
eth0: 10.69.0.67/26
eth1: 10.69.0.131/26
tor1: 10.69.0.65
tor2: 10.69.0.129
bmc: 10.72.17.3
proxy: http://10.0.49.3:3128
ntp:
- 10.0.50.1
- 10.0.50.2
`

func TestFilesOfABootServer(t *testing.T) {
	s, err := ParseSeed([]byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(s)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&got, "=== %s %04o\n%s\n", f.Path, f.Mode, f.Data)
	}
	const golden = "testdata/boot-0.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got; -update writes the file anew:\n%s", diff)
	}
}

func TestASeedThatCannotBeIsRefused(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"an unknown field", "asn:", "as:", `"as"`},
		{"no name", "name: boot-0", "name: ''", "name"},
		{"a name of two lines", "name: boot-0", `name: "boot-0\n10.0.0.1 boot-1"`, "name"},
		{"no cluster", "cluster: dev", "cluster: ''", "cluster"},
		{"a negative rack", "rack: 0", "rack: -1", "rack"},
		{"no AS number", "asn: 64600", "asn: 0", "asn"},
		{"a network as node0", "10.69.0.3/32", "10.69.0.0/26", "node0"},
		{"no bastion", "bastion: 10.72.48.0/32", "", "bastion"},
		{"a switch elsewhere", "tor1: 10.69.0.65", "tor1: 10.69.1.65", "tor1"},
		{"the other switch elsewhere", "tor2: 10.69.0.129", "tor2: 10.69.1.65", "tor2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(seed, tc.old, tc.new, 1)
			if _, err := ParseSeed([]byte(text)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one about %s", err, tc.want)
			}
		})
	}
}

func TestTheArchiveHasTheFilesAndEnablesTheNetwork(t *testing.T) {
	s, err := ParseSeed([]byte(seed))
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Archive(&b, files); err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	for _, want := range []string{"etc/neco/rack", "etc/bird/bird.conf", "etc/systemd/system/multi-user.target.wants/neco-network.service"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
}

func TestPackagesAreNamedOnceInOrder(t *testing.T) {
	p := Packages()
	if len(p) < 10 || !slices.IsSorted(p) || len(slices.Compact(slices.Clone(p))) != len(p) {
		t.Errorf("packages %v", p)
	}
}
