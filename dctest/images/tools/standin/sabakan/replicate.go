package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// replicationInterval is the interval at which this server searches other servers for
// files that it lacks.
const replicationInterval = 5 * time.Second

// replicate copies the files of other servers to this one, at intervals until ctx ends.
func (s *server) replicate(ctx context.Context) {
	ticker := time.NewTicker(replicationInterval)
	defer ticker.Stop()
	for {
		if err := s.pull(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, "copy files from other servers:", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// pull copies the assets and images that this server lacks. A failure does not stop the
// rest.
func (s *server) pull(ctx context.Context) error {
	pairs, err := s.store.List(ctx, "assets/")
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names(pairs, "assets/") {
		errs = append(errs, s.pullAsset(ctx, name))
	}
	return errors.Join(append(errs, s.pullImages(ctx))...)
}

func (s *server) pullAsset(ctx context.Context, name string) error {
	a, rev, err := s.asset(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	if err != nil || s.listed(a.Exists, a.URLs) {
		return err
	}
	if err := s.blobs.fetch(ctx, a.SHA256, "/api/v1/assets/"+name, a.URLs); err != nil {
		return err
	}
	a.URLs = union(a.URLs, s.blobs.self)
	value, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return later(s.store.Update(ctx, "assets/"+name, rev, value))
}

func (s *server) pullImages(ctx context.Context) error {
	ix, rev, err := s.imageIndex(ctx)
	if err != nil {
		return err
	}
	var errs []error
	changed := false
	for i, img := range ix.Images {
		if s.listed(img.Exists, img.URLs) {
			continue
		}
		if err := s.blobs.fetch(ctx, img.Digest, "/api/v1/images/coreos/"+img.ID, img.URLs); err != nil {
			errs = append(errs, err)
			continue
		}
		ix.Images[i].URLs, changed = union(img.URLs, s.blobs.self), true
	}
	if changed {
		errs = append(errs, later(s.saveIndex(ctx, ix, rev)))
	}
	return errors.Join(errs...)
}

// listed reports whether this server has a file, and is in the list urls of the servers
// that have it.
func (s *server) listed(exists bool, urls []string) bool {
	return exists && slices.Contains(urls, s.blobs.self)
}

// later returns err, or nil if err is due to a concurrent change: then the next call of
// [server.pull] tries again.
func later(err error) error {
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}
