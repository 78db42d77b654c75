package setup_test

import (
	"fmt"
	"log"

	"github.com/cybozu-go/neco/installer/setup"
)

func ExampleFiles() {
	seed, err := setup.ParseSeed([]byte(`
name: boot-0
cluster: dev
rack: 0
asn: 64600
node0: 10.69.0.3/32
bastion: 10.72.48.0/32
eth0: 10.69.0.67/26
eth1: 10.69.0.131/26
tor1: 10.69.0.65
tor2: 10.69.0.129
`))
	if err != nil {
		log.Fatal(err)
	}
	files, err := setup.Files(seed)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range files[:3] {
		fmt.Printf("%s: %s", f.Path, f.Data)
	}
	// Output:
	// /etc/hostname: boot-0
	// /etc/neco/rack: 0
	// /etc/neco/cluster: dev
}
