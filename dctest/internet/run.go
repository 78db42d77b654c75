package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"
)

// Options are the parameters of Run.
type Options struct {
	// Listen are the addresses on which to listen. TLS is used unless the port is 80 or
	// the address starts with "http://".
	Listen []string
	// CADir is the directory for the files of the CA, which are created if they do not
	// exist.
	CADir string
	// Images and OS are directories with an index.json of dctest/images/build. If OS is
	// empty, it is the same as Images. Both are read once, at the start.
	Images, OS string
	// Releases is a directory of packages, created if it does not exist. Changes in it
	// are published within a second.
	Releases string
	// Served is the file to which a line is appended for each response, or empty.
	Served string
	// Ready is called with the listeners' addresses when all of them accept requests.
	Ready func(addresses []string)
	Log   *slog.Logger
}

// Run serves the simulated internet until ctx ends, and then returns nil.
func Run(ctx context.Context, opts Options) error {
	ca, err := openCA(opts.CADir)
	if err != nil {
		return err
	}
	hosts, releases, err := newHosts(opts)
	if err != nil {
		return err
	}
	served, err := openServed(opts.Served)
	if err != nil {
		return err
	}
	defer served.Close()
	cert, err := ca.issue(certNames(hosts))
	if err != nil {
		return err
	}
	f := frontend{hosts: hosts, cert: cert, served: served}
	if err := releases.sync(); err != nil {
		return err
	}
	listeners, err := f.listen(ctx, opts.Listen)
	if err != nil {
		return err
	}
	opts.Log.Info("listens", "addresses", addresses(listeners))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return f.serve(ctx, listeners) })
	g.Go(func() error { return releases.watch(ctx) })
	opts.Ready(addresses(listeners))
	return g.Wait()
}

// newHosts returns a handler for each host, and the publisher of Neco's releases.
func newHosts(opts Options) (map[string]http.Handler, *publisher, error) {
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
	releases := newPublisher(opts.Releases, opts.Log)
	github, err := newGitHub(releases.server, built.Debs)
	if err != nil {
		return nil, nil, fmt.Errorf("serve packages: %w", err)
	}
	hosts["api.github.com"], hosts["github.com"], hosts[slackHost] = github, github, newSlack()
	return hosts, releases, nil
}
