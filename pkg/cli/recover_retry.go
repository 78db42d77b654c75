package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// retryRelease removes the bad mark of a release. If the release is newer than the
// newest known version, retryRelease also makes it the newest known version: a search
// may have replaced it while it was marked, and in the environment none there is no
// search.
func retryRelease(ctx context.Context, cmd *cobra.Command, env *Env, s *storage.Storage, version string) error {
	v, err := release.Parse(version)
	if err != nil {
		return hint(fmt.Errorf("--retry: %w", err), "neco status lists the bad releases")
	}
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return err
	}
	var known *storage.KnownRelease
	if k, err := release.Parse(snap.Release); err != nil || v.Compare(k) > 0 {
		known = &storage.KnownRelease{Version: version, Replaces: snap.ReleaseRev}
	}
	removed, err := s.RetryRelease(ctx, version, known, env.act(storage.KindRecover, "%s may be installed again", version))
	switch {
	case err != nil:
		return err
	case removed:
		fmt.Fprintf(cmd.OutOrStdout(), "%s may be installed again\n", version)
	default:
		fmt.Fprintf(cmd.OutOrStdout(), "%s is not marked as bad\n", version)
	}
	return nil
}
