package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/cybozu-go/neco/pkg/host"
)

// dockerTimeout is how long neco is-running waits for Docker before it fails.
const dockerTimeout = 30 * time.Second

func newIsRunningCmd(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "is-running IMAGE",
		Short: "Report whether this release's version of an image runs here",
		Long: `Print "running" if a container of this release's version of the image runs on
this boot server, and "not running" if none does.`,
		Args: func(cmd *cobra.Command, args []string) error {
			return cannotTell(exactly(1)(cmd, args))
		},
		ValidArgsFunction: completeImages,
		RunE: func(cmd *cobra.Command, args []string) error {
			img, err := findImage(args[0])
			if err != nil {
				return cannotTell(err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), dockerTimeout)
			defer cancel()
			running, err := host.Containers{FS: env.FS}.Running(ctx, img)
			if err != nil {
				if !errors.Is(err, dockerapi.ErrNoSocket) {
					err = hint(err, "see systemctl status docker; only root may ask it")
				}
				return cannotTell(err)
			}
			if !running {
				fmt.Fprintln(cmd.OutOrStdout(), "not running")
				return &ExitError{Code: 1}
			}
			fmt.Fprintln(cmd.OutOrStdout(), "running")
			return nil
		},
	}
	addExitStatus(cmd, `The exit code reports the same:

  0  running
  1  not running
  2  an error: whether it runs is unknown`)
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return cannotTell(flagError(cmd, err)) })
	return cmd
}

// cannotTell returns err with the exit code CodeError, which differs from the exit code
// of the answer "not running".
func cannotTell(err error) error {
	if err == nil {
		return nil
	}
	return &ExitError{CodeError, err}
}
