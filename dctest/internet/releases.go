package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
	"github.com/cybozu-go/neco/pkg/release"
)

// pollInterval is how often the directory is looked at. People wait for it.
const pollInterval = 500 * time.Millisecond

// Suffixes of what lies beside a package.
const (
	sumSuffix        = ".sha256"
	prereleaseSuffix = ".prerelease"
)

// shelf publishes the packages of a directory as releases. A package is one as
// soon as its digest lies beside it; with an empty file of the same name and
// the suffix ".prerelease" it is a pre-release. What is taken away is
// withdrawn. Packages are to be replaced by renaming only.
type shelf struct {
	dir    string
	log    *slog.Logger
	server *releaseserver.Server
	seen   map[release.Version]offer
}

// offer is what makes one state of a release differ from another.
type offer struct {
	prerelease bool
	deb, sum   stamp
}

type stamp struct {
	size    int64
	changed time.Time
}

func newShelf(dir string, log *slog.Logger) *shelf {
	return &shelf{dir: dir, log: log, seen: map[release.Version]offer{},
		server: newServer(neco.GitHubRepoOwner, neco.GitHubRepoName)}
}

// watch looks at the directory until ctx is done.
func (s *shelf) watch(ctx context.Context) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	failed := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		text := ""
		if err := s.look(); err != nil {
			text = err.Error()
		}
		if text != "" && text != failed {
			s.log.Error("cannot follow the directory of releases", "err", text)
		}
		failed = text
	}
}

// look makes the releases those of the directory. What fails is tried again
// the next time.
func (s *shelf) look() error {
	there, err := offers(s.dir)
	if err != nil {
		return fmt.Errorf("look for releases: %w", err)
	}
	for v := range s.seen {
		if _, ok := there[v]; !ok {
			s.server.Remove(tagOf(v))
			delete(s.seen, v)
			s.log.Info("release withdrawn", "version", v.String())
		}
	}
	for _, v := range slices.SortedFunc(maps.Keys(there), release.Version.Compare) {
		if s.seen[v] == there[v] {
			continue
		}
		if err := s.publish(v, there[v]); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) publish(v release.Version, o offer) error {
	deb := release.PackageFile(v)
	assets := map[string]string{deb: filepath.Join(s.dir, deb), deb + sumSuffix: filepath.Join(s.dir, deb+sumSuffix)}
	if err := s.server.Publish(releaseserver.Release{Tag: tagOf(v), Prerelease: o.prerelease, Assets: assets}); err != nil {
		return err
	}
	s.seen[v] = o
	s.log.Info("release published", "version", v.String(), "prerelease", o.prerelease)
	return nil
}

func tagOf(v release.Version) string { return "release-" + v.String() }

// offers lists the releases that a directory has. Other files do not matter.
func offers(dir string) (map[release.Version]offer, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string]stamp{}
	for _, e := range entries {
		// A link counts as the file that it leads to, or not at all.
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
			files[e.Name()] = stamp{info.Size(), info.ModTime()}
		}
	}
	there := map[release.Version]offer{}
	for name, deb := range files {
		v, ok := versionOf(name)
		sum, summed := files[name+sumSuffix]
		if !ok || !summed {
			continue
		}
		_, pre := files[name+prereleaseSuffix]
		there[v] = offer{prerelease: pre, deb: deb, sum: sum}
	}
	return there, nil
}
