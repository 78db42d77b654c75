// Command neco-updater searches for releases and leads updates.
package main

import (
	"context"
	"os"

	"github.com/cybozu-go/neco/pkg/daemon"
)

func main() {
	cmd, _ := daemon.Command("neco-updater", "Search for releases and lead the updates of this data centre", run)
	os.Exit(daemon.Main(func(ctx context.Context) error { return cmd.ExecuteContext(ctx) }))
}
