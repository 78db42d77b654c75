package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// retryRelease takes away the mark of a release that failed by its own fault. It
// becomes the newest known one again if it is newer: a search may have replaced it
// meanwhile, and env none makes no search.
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
