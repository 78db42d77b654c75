package sandbox_test

import (
	"context"
	"fmt"
	"syscall"

	"github.com/cybozu-go/neco/dctest/sandbox"
)

// This example starts a data centre with one version, updates it to the next, and kills
// a worker during the update.
func Example() {
	ctx := context.Background()
	s, err := sandbox.Start(ctx, sandbox.Options{Deb: "build/neco_2026.11.21-1_amd64.deb"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if err := s.WaitComplete(ctx, "2026.11.21-1"); err != nil {
		fmt.Println(err)
		return
	}
	version, err := s.Publish("build/neco_2026.11.21-2_amd64.deb", false)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Kill(1, sandbox.WorkerUnit, syscall.SIGKILL); err != nil {
		fmt.Println(err)
	}
	if err := s.WaitComplete(ctx, version); err != nil {
		fmt.Println(err)
	}
	if _, err := s.Prove(ctx, version); err != nil {
		fmt.Println(err)
	}
}
