package placemat_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/placemat"
	"github.com/cybozu-go/neco/dctest/placemat/menu"
)

var update = flag.Bool("update", false, "rewrite the topology in docs/")

// TestTheTopologyInTheDocumentsIsThatOfTheMenu fails after a change of the menu, until
// the test is run with -update.
func TestTheTopologyInTheDocumentsIsThatOfTheMenu(t *testing.T) {
	m, err := menu.Load("../../dctest/menu.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := m.Cluster()
	if err != nil {
		t.Fatal(err)
	}
	const name = "../../docs/network.svg"
	got := placemat.SVG(c)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the drawing is out of date; run go test ./dctest/placemat -update:\n%s", diff)
	}
	dot := placemat.Graph(c)
	for _, n := range c.Nodes {
		for _, drawing := range []string{got, dot} {
			if !strings.Contains(drawing, n.Name) {
				t.Errorf("no %s in a drawing", n.Name)
			}
		}
	}
	for d := xml.NewDecoder(strings.NewReader(got)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
