// Idle is the process of images whose real program is not used in the virtual data
// centre. It does nothing until it receives a signal to exit.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	fmt.Println("idle", os.Args[1:])
	<-ctx.Done()
}
