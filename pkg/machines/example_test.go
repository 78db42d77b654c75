package machines_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/cybozu-go/neco/pkg/machines"
)

func ExampleRead() {
	list := `datacenter,logical rack,physical rack,serial,product,role,support date
dc1,3,C-12,1234ABC,R640,boot,2026/1/02
`
	specs, err := machines.Read(strings.NewReader(list), machines.Options{
		Format: machines.CSV,
		Types:  map[string]string{machines.Boot: "r640-boot-2"},
		BMC:    machines.DefaultBMC,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := machines.Write(os.Stdout, specs); err != nil {
		fmt.Println(err)
	}
	// Output:
	// [
	//   {
	//     "serial": "1234ABC",
	//     "labels": {
	//       "datacenter": "dc1",
	//       "machine-type": "r640-boot-2",
	//       "product": "R640"
	//     },
	//     "rack": 3,
	//     "role": "boot",
	//     "retire-date": "2031-01-01T00:00:00Z",
	//     "bmc": {
	//       "type": "iDRAC"
	//     }
	//   }
	// ]
}
