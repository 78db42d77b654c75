package hostkey_test

import (
	"context"
	"fmt"
	"os"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

func Example() {
	root, err := os.MkdirTemp("", "hostkey")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(root)

	me, err := hostkey.Load(context.Background(), host.FS{Root: root})
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, err := hostkey.Seal([]byte("the unseal key"), []string{me.Recipient()})
	if err != nil {
		fmt.Println(err)
		return
	}
	opened, err := hostkey.Open(sealed, me)
	fmt.Println(hostkey.Sealed(sealed), string(opened), err)
	// Output: true the unseal key <nil>
}
