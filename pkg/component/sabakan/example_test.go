package sabakan_test

import (
	"fmt"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/sabakan"
)

func ExampleComponent_Files() {
	files, err := sabakan.Component{}.Files(componenttest.Target())
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range files {
		fmt.Printf("%s %#o\n", f.Path, f.Mode)
	}
	// Output:
	// /etc/sabakan/config.yml 0644
	// /etc/systemd/system/sabakan.service 0644
}
