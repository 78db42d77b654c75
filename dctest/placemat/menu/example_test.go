package menu_test

import (
	"fmt"
	"log"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/dctest/placemat/menu"
)

func Example() {
	m, err := menu.Load("testdata/menu.yml")
	if err != nil {
		log.Fatal(err)
	}
	c, err := m.Cluster()
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range c.Of(cluster.Boot) {
		fmt.Println(n.Name, n.ASN, n.RouterID)
	}
	// Output:
	// boot-0 64600 10.69.0.3
	// boot-1 64601 10.69.0.195
}
