package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"
)

// Options say what is served and where.
type Options struct {
	// Listen are addresses. One with port 80, or after "http://", has no TLS.
	Listen []string
	// CADir has the files of the authority. They are made if there are none.
	CADir string
	// Images and OS are directories with an index of what was built; OS may be
	// empty, it is then that of Images. Changes are seen at the next start.
	Images, OS string
	// Releases is a directory of packages, made if it is not there. Changes are
	// seen within a second.
	Releases string
	// Ready is called once all addresses are listened on and all is served.
	Ready func(addresses []string)
	Log   *slog.Logger
}

// Run serves until ctx is done, which is no error.
func Run(ctx context.Context, opts Options) error {
	ca, err := openAuthority(opts.CADir)
	if err != nil {
		return err
	}
	hosts, shelf, err := newHosts(opts)
	if err != nil {
		return err
	}
	cert, err := ca.issue(served(hosts))
	if err != nil {
		return err
	}
	f := front{hosts: hosts, cert: cert}
	if err := shelf.look(); err != nil {
		return err
	}
	listeners, err := f.listen(ctx, opts.Listen)
	if err != nil {
		return err
	}
	opts.Log.Info("listens", "addresses", addresses(listeners))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.serve(ctx, listeners) })
	g.Go(func() error { return shelf.watch(ctx) })
	opts.Ready(addresses(listeners))
	return g.Wait()
}

// newHosts makes a handler for every host there is.
func newHosts(opts Options) (map[string]http.Handler, *shelf, error) {
	built, err := readIndex(opts.Images)
	if err != nil {
		return nil, nil, err
	}
	system := built.OS
	if opts.OS != "" {
		other, err := readIndex(opts.OS)
		if err != nil {
			return nil, nil, err
		}
		system = other.OS
	}
	hosts, err := newRegistries(built.Images)
	if err != nil {
		return nil, nil, err
	}
	if err := addDownloads(hosts, system); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(opts.Releases, 0o755); err != nil {
		return nil, nil, fmt.Errorf("make the directory of releases: %w", err)
	}
	shelf := newShelf(opts.Releases, opts.Log)
	github, err := newGitHub(shelf.server, built.Debs)
	if err != nil {
		return nil, nil, fmt.Errorf("serve packages: %w", err)
	}
	hosts["api.github.com"], hosts["github.com"] = github, github
	return hosts, shelf, nil
}
