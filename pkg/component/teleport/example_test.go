package teleport_test

import (
	"fmt"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/teleport"
	"github.com/cybozu-go/neco/pkg/storage"
)

func ExampleComponent_Files() {
	target := componenttest.Target()
	target.Inputs = map[component.Input]string{storage.KeyTeleportToken: "0123abcd"}
	files, err := teleport.Component{}.Files(target)
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range files {
		fmt.Printf("%s %#o\n", f.Path, f.Mode)
	}
	// Output:
	// /etc/teleport/teleport.yaml 0600
}
