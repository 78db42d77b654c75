package sandbox

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/releaseserver"
	"github.com/cybozu-go/neco/dctest/sandbox/internet"
	"github.com/cybozu-go/neco/dctest/sandbox/network"
)

// releaseQuota is how many requests per hour the release server accepts. An updater that
// checks for releases each second needs fewer.
const releaseQuota = 100_000

// startInternet starts the release server and the registries, and pushes the images to
// the registries.
func (s *Sandbox) startInternet(ctx context.Context) error {
	s.releases = releaseserver.New(releaseserver.Options{
		Owner: neco.GitHubRepoOwner, Name: neco.GitHubRepoName, Limit: releaseQuota, TokenLimit: releaseQuota,
	})
	registry := internet.NewRegistry()
	github, err := s.gitHub(ctx)
	if err != nil {
		return err
	}
	flatcar, downloads, err := internet.NewDownloads(neco.CurrentArtifacts.OSImage)
	if err != nil {
		return err
	}
	s.internet, err = internet.New(map[string]http.Handler{
		"api.github.com": github, "github.com": github, "quay.io": registry, "ghcr.io": registry,
		flatcar: downloads,
	})
	if err != nil {
		return err
	}
	l, err := loopback.Listen()
	if err != nil {
		return err
	}
	s.proxy = l.Addr().String()
	gated := s.partition.Listener(l, func(c net.Conn) network.Link { return network.Between(s.owner(c), network.Internet) })
	s.bg.Go(func() error { return s.internet.Serve(s.bg.ctx, gated) })
	return s.fillRegistry(ctx)
}

// fillRegistry pushes every image that Neco and CKE use. Private images are pushed under their
// public names, because the boot servers of a test data centre pull them under those.
func (s *Sandbox) fillRegistry(ctx context.Context) error {
	transport := s.internet.Transport(s.proxy)
	defer transport.CloseIdleConnections()
	names, err := ckeImages(ctx)
	if err != nil {
		return err
	}
	for _, img := range neco.CurrentArtifacts.Images {
		names = append(names, img.FullName(false))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		g.Go(func() error { return internet.PushImage(ctx, transport, name) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.opts.Say(fmt.Sprintf("internet: a release server, and a registry with %d images, behind a proxy", len(names)))
	return nil
}

// Publish publishes the package deb as a release and returns its version. The digest file
// must be in the same directory. A pre-release is installed only by servers whose
// environment is staging.
func (s *Sandbox) Publish(deb string, prerelease bool) (string, error) {
	v, err := DebVersion(deb)
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	sum := deb + ".sha256"
	assets := map[string]string{}
	for _, file := range []string{deb, sum} {
		kept := s.path("releases", filepath.Base(file))
		if err := keep(file, kept); err != nil {
			return "", fmt.Errorf("publish %s: %w", v, err)
		}
		assets[filepath.Base(file)] = kept
	}
	tag := "release-" + v.String()
	if err := s.releases.Publish(releaseserver.Release{Tag: tag, Prerelease: prerelease, Assets: assets}); err != nil {
		return "", fmt.Errorf("publish %s: %w", v, err)
	}
	s.mu.Lock()
	s.published = append(s.published, v.String())
	s.mu.Unlock()
	s.opts.Say(fmt.Sprintf("release server: published %s", tag))
	return v.String(), nil
}

// Published returns the versions on the release server, in the order of their
// publication.
func (s *Sandbox) Published() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.published)
}

// keep atomically copies the file from to the file to. The release server reads the copy,
// because the caller may change or remove the original.
func keep(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	tmp := to + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}
