package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/sandbox/story"
)

// updateTimeout bounds one update of the story, which takes seconds.
const updateTimeout = 5 * time.Minute

func newRunCommand() *cobra.Command {
	var o story.Options
	cmd := &cobra.Command{
		Use:   "run --deb A.deb --deb B.deb",
		Short: "Start a data centre with package A, update it to B, and end it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out = cmd.OutOrStdout()
			s, err := story.Tell(cmd.Context(), o)
			if s != nil {
				err = errors.Join(err, s.Close())
			}
			return err
		},
	}
	cmd.Flags().StringArrayVar(&o.Debs, "deb", nil, "neco package; the first is what the servers begin with, each other one is an update")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "an empty directory for everything, which stays (default: a temporary one)")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", updateTimeout, "how long one update may take")
	return cmd
}
