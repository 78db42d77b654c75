// Command sabakan-state-setter is a daemon that sets the states of the machines in sabakan's
// inventory.
package main

import (
	"context"
	"os"

	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	cmd := newCommand()
	cmd.SetArgs(twoDashes(os.Args[1:]))
	os.Exit(daemon.Main(func(ctx context.Context) error { return cmd.ExecuteContext(ctx) }))
}

// twoDashes returns args with two dashes before each flag: those of the original have one.
func twoDashes(args []string) []string {
	var all []string
	for _, a := range args {
		if len(a) > 2 && a[0] == '-' && a[1] != '-' {
			a = "-" + a
		}
		all = append(all, a)
	}
	return all
}
