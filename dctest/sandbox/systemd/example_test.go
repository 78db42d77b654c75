package systemd_test

import (
	"context"
	"fmt"
	"os"

	"github.com/cybozu-go/neco/dctest/sandbox/systemd"
)

// This example boots one server and kills one of its services.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m, err := systemd.New(systemd.Options{Root: "boot-0", Socket: "boot-0.bus", LogDir: "boot-0/logs"})
	if err != nil {
		fmt.Println(err)
		return
	}
	go m.Run(ctx) // ends all units when ctx is done
	if err := m.Boot(ctx); err != nil {
		fmt.Println(err)
	}
	if p, err := os.FindProcess(m.MainPID("neco-worker.service")); err == nil {
		p.Kill()
	}
}
