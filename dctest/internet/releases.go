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

// pollInterval is the interval at which the directory of packages is read.
const pollInterval = 500 * time.Millisecond

// The suffixes of the files that may be beside a package.
const (
	sumSuffix        = ".sha256"
	prereleaseSuffix = ".prerelease"
)

// publisher publishes the packages in a directory as releases. A package is published
// when its digest file is beside it, as a pre-release if there is a file with its name
// and the suffix ".prerelease". When a package is removed, its release is withdrawn.
// Packages must be replaced atomically.
type publisher struct {
	dir    string
	log    *slog.Logger
	server *releaseserver.Server
	seen   map[release.Version]packageState
}

// packageState is the state of a package's files when sync has read the directory. If it
// differs from the previous state, the package is published again.
type packageState struct {
	prerelease bool
	deb, sum   fileState
}

type fileState struct {
	size    int64
	changed time.Time
}

func newPublisher(dir string, log *slog.Logger) *publisher {
	return &publisher{dir: dir, log: log, seen: map[release.Version]packageState{},
		server: newServer(neco.GitHubRepoOwner, neco.GitHubRepoName)}
}

// watch calls sync at intervals until ctx ends. It logs an error only if the error
// differs from that of the previous call.
func (s *publisher) watch(ctx context.Context) error {
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
		if err := s.sync(); err != nil {
			text = err.Error()
		}
		if text != "" && text != failed {
			s.log.Error("cannot read the directory of releases", "err", text)
		}
		failed = text
	}
}

// sync publishes and withdraws releases according to the packages in the directory. After
// an error, the next call does the rest.
func (s *publisher) sync() error {
	there, err := packages(s.dir)
	if err != nil {
		return fmt.Errorf("read releases: %w", err)
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

func (s *publisher) publish(v release.Version, o packageState) error {
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

// packages returns the packages in dir that have a digest file.
func packages(dir string) (map[release.Version]packageState, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string]fileState{}
	for _, e := range entries {
		// Symbolic links are followed; broken ones are ignored.
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil && info.Mode().IsRegular() {
			files[e.Name()] = fileState{info.Size(), info.ModTime()}
		}
	}
	there := map[release.Version]packageState{}
	for name, deb := range files {
		v, ok := versionOf(name)
		sum, summed := files[name+sumSuffix]
		if !ok || !summed {
			continue
		}
		_, pre := files[name+prereleaseSuffix]
		there[v] = packageState{prerelease: pre, deb: deb, sum: sum}
	}
	return there, nil
}
