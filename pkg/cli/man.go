package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/manpage"
)

// newManCmd returns a hidden command that writes the man pages when the package is built.
func newManCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages of all commands",
		Hidden: true,
		Long: "Write the man pages of all commands into DIR, which must exist. Their date is\n" +
			"that of SOURCE_DATE_EPOCH, or empty. The package has them already: see man neco.",
		Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			manual := manpage.Manual{
				Title:    "Neco Manual",
				Source:   "neco " + env.Version,
				Files:    map[string]string{neco.NecoConfFile: "How to reach etcd."},
				Programs: []string{"neco-updater", "neco-worker"},
			}
			if epoch := env.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
				seconds, err := strconv.ParseInt(epoch, 10, 64)
				if err != nil {
					return fmt.Errorf("SOURCE_DATE_EPOCH: %q is not a number of seconds", epoch)
				}
				manual.Date = time.Unix(seconds, 0).UTC().Format(time.DateOnly)
			}
			for name, text := range manual.Pages(cmd.Root()) {
				if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
					return hint(err, "man neco-COMMAND shows the man page of a command")
				}
			}
			return nil
		},
	}
}
