// Command neco-updater is a daemon that searches for new releases and leads the update
// of the boot servers.
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
