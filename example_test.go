package neco_test

import (
	"fmt"

	"github.com/cybozu-go/neco"
)

func ExampleContainerImage_FullName() {
	img, err := neco.CurrentArtifacts.FindContainerImage("setup-hw")
	if err != nil {
		fmt.Println(err)
		return
	}
	img.Tag = "1.12.0"
	fmt.Println(img.FullName(false))
	fmt.Println(img.FullName(true))
	// Output:
	// quay.io/cybozu/setup-hw:1.12.0
	// quay.io/cybozu/setup-hw-secret:1.12.0
}

func ExampleEtcdEndpoints() {
	fmt.Println(neco.EtcdEndpoints([]int{0, 1, 2}))
	// Output: [https://10.69.0.3:2379 https://10.69.0.195:2379 https://10.69.1.131:2379]
}
