// Package published finds and downloads the release that a data centre follows, for developers
// and CI jobs outside of it.
//
// It owns the names of data centres in commands. It must not know etcd or boot servers.
package published

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/release"
)

// Source is GitHub as seen by a developer or a CI job.
type Source struct {
	// Transport carries all requests. It must not be nil.
	Transport http.RoundTripper
	// Token, if not empty, is sent to GitHub's API, which allows more requests then.
	Token string
	// Log receives the releases that do not count because their tags are malformed.
	Log *slog.Logger
}

// DataCentres returns the names of the data centres.
func DataCentres() []string { return []string{"staging", "production"} }

// OneDataCentre returns an error unless args, the arguments of the command cmd, are the name
// of one data centre.
func OneDataCentre(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("give one data centre, staging or production")
	}
	_, err := channel(args[0])
	return err
}

// channel returns the channel that a data centre follows.
func channel(dataCentre string) (release.Channel, error) {
	switch dataCentre {
	case "staging":
		return release.Staging, nil
	case "production":
		return release.Prod, nil
	}
	return "", fmt.Errorf("unknown data centre %q: want staging or production", dataCentre)
}

// Version returns the version that a data centre follows: the newest release, in staging the
// newest among releases and pre-releases. It blocks until all releases have been read or ctx
// ends; each request has its own deadline. Its errors are those of [release.Finder.Newest].
func (s Source) Version(ctx context.Context, dataCentre string) (release.Version, error) {
	c, err := channel(dataCentre)
	if err != nil {
		return release.Version{}, err
	}
	finder, _ := release.Open(s.Transport, s.Token, s.Log)
	found, err := finder.Newest(ctx, c, nil)
	return found.Newest, err
}

// WritePackage writes the neco package of the version that a data centre follows to w. It
// stores the package in a temporary directory and checks it as boot servers do, before it
// writes the first byte: the digest must be the published one, and the file must be the neco
// package of that version.
//
// It blocks until the package is written or ctx ends. Its errors are those of
// [release.Finder.Newest] and [release.Stager.Stage], and those of w.
func (s Source) WritePackage(ctx context.Context, dataCentre string, w io.Writer) (err error) {
	c, err := channel(dataCentre)
	if err != nil {
		return err
	}
	finder, client := release.Open(s.Transport, s.Token, s.Log)
	found, err := finder.Newest(ctx, c, nil)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "neco-package-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := release.Stager{Finder: finder, Channel: c, Client: client, Dir: dir}.Stage(ctx, found.Newest)
	if err != nil {
		return err
	}
	f, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("write package %s: %w", found.Newest, err)
	}
	return nil
}
