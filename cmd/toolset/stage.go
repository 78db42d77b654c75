package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func newStageCommand(list *string) *cobra.Command {
	o := toolset.Options{Client: http.DefaultClient, Log: func(text string) { fmt.Fprintln(os.Stderr, text) }}
	var release bool
	cmd := &cobra.Command{
		Use:   "stage DIR",
		Short: "Write the programs into DIR as they are in the package",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if release && o.StandIns != "" {
				return errors.New("a release contains no stand-ins: omit --stand-ins or --release")
			}
			l, err := toolset.Load(*list)
			if err != nil {
				return err
			}
			if o.Cache == "" {
				user, err := os.UserCacheDir()
				if err != nil {
					return err
				}
				o.Cache = filepath.Join(user, "neco", "toolset")
			}
			o.Out = args[0]
			staged, err := toolset.Stage(cmd.Context(), l, o)
			if err != nil {
				return err
			}
			err = staged.Complete()
			if release && err != nil {
				return fmt.Errorf("the package is not complete:\n%w", err)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&release, "release", false, "fail unless all programs are there")
	cmd.Flags().StringVar(&o.StandIns, "stand-ins", "", "directory with programs that replace the missing ones, for tests")
	cmd.Flags().StringVar(&o.Cache, "cache", "", "directory of builds and downloads (default: neco/toolset in the user's cache directory)")
	return cmd
}
