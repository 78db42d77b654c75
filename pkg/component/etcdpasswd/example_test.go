package etcdpasswd_test

import (
	"fmt"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/etcdpasswd"
)

func ExampleComponent_Files() {
	files, err := etcdpasswd.Component{}.Files(componenttest.Target())
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range files {
		fmt.Printf("%s %#o\n", f.Path, f.Mode)
	}
	// Output:
	// /etc/etcdpasswd/config.yml 0644
	// /etc/systemd/system/ep-agent.service.d/10-check-certificate.conf 0644
}
