package placemat_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/cybozu-go/neco/dctest/placemat"
	"github.com/cybozu-go/neco/dctest/placemat/menu"
)

func ExampleGraph() {
	m, err := menu.Load("../../dctest/menu.yml")
	if err != nil {
		log.Fatal(err)
	}
	c, err := m.Cluster()
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(placemat.Graph(c)) {
		if strings.Contains(line, `"rack0-tor1" -- `) {
			fmt.Print(strings.TrimSpace(line))
		}
	}
	// Output: "rack0-tor1" -- "boot-0" [taillabel="10.69.0.65" headlabel="10.69.0.67"];
}
