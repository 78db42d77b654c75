package cke_test

import (
	"fmt"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/cke"
)

func ExampleComponent_Files() {
	files, err := cke.Component{}.Files(componenttest.Target())
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range files {
		fmt.Printf("%s %#o\n", f.Path, f.Mode)
	}
	// Output:
	// /etc/cke/config.yml 0644
}
