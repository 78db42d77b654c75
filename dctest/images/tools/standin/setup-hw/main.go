// Setup-hw imitates the container that configures the hardware of a server. It reads the
// address of the BMC, prints that it has nothing to configure, and keeps running.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const addressFile = "/etc/neco/bmc-address.json"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "setup-hw:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	data, err := os.ReadFile(addressFile)
	if err != nil {
		return err
	}
	var address any
	if err := json.Unmarshal(data, &address); err != nil {
		return fmt.Errorf("read %s: %w", addressFile, err)
	}
	fmt.Println("setup-hw: this machine has no BMC; would configure", address)
	<-ctx.Done()
	return nil
}
