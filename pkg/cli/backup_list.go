package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/backup"
)

// snapshotJSON is the JSON of a snapshot in neco backup list.
type snapshotJSON struct {
	Path     string    `json:"path"`
	Time     time.Time `json:"time"`
	Revision int64     `json:"revision"`
	Size     int64     `json:"size"`
}

func newBackupListCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the snapshots on this boot server, the newest first",
		Args:  none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			all, err := backup.List(env.FS)
			if errors.Is(err, fs.ErrPermission) {
				return hint(err, "only root may look at backups; try again with sudo")
			}
			if err != nil {
				return err
			}
			return showSnapshots(cmd, o, all)
		},
	}
	o.register(cmd)
	return cmd
}

func showSnapshots(cmd *cobra.Command, o output, all []backup.Entry) error {
	if o.json() {
		list := []snapshotJSON{}
		for _, e := range all {
			list = append(list, snapshotJSON{e.Path, e.Time, e.Revision, e.Size})
		}
		return writeJSON(cmd.OutOrStdout(), list)
	}
	if len(all) == 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "there is no snapshot on this boot server")
		return nil
	}
	tw := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TIME\tREVISION\tBYTES\tFILE")
	for _, e := range all {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\n", e.Time.Format(time.DateTime+"Z"), e.Revision, e.Size, e.Path)
	}
	return tw.Flush()
}
