package statesetter_test

import (
	"fmt"

	"github.com/cybozu-go/neco/pkg/component/statesetter"
	"github.com/cybozu-go/neco/pkg/host"
)

func ExampleComponent_PackageFiles() {
	files, err := statesetter.Component{}.PackageFiles(host.FS{})
	for _, f := range files {
		fmt.Println(f, err)
	}
	// Output:
	// /usr/bin/sabakan-state-setter <nil>
	// /usr/share/neco/sabakan-state-setter.yml <nil>
}
