package main

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

// quota is how many API requests a client may send per hour. It is higher than GitHub's,
// because all updaters have the address of the same proxy and send a request each second.
const quota = 100_000

// newServer returns a release server for one repository.
func newServer(owner, repo string) *releaseserver.Server {
	return releaseserver.New(releaseserver.Options{Owner: owner, Name: repo, Limit: quota, TokenLimit: quota})
}

// newGitHub returns the handler of GitHub's two hosts, with the repositories of Neco and
// of the Debian packages that Neco installs.
func newGitHub(releases *releaseserver.Server, debs []builtDeb) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/", releases)
	for _, deb := range debs {
		i := slices.IndexFunc(neco.CurrentArtifacts.Debs, func(d neco.DebianPackage) bool { return d.Name == deb.Name })
		if i < 0 {
			return nil, fmt.Errorf("package %s: not in the artifact set", deb.Name)
		}
		owner, repo := neco.CurrentArtifacts.Debs[i].Owner, neco.CurrentArtifacts.Debs[i].Repository
		s := newServer(owner, repo)
		if err := s.Publish(releaseserver.Release{Tag: deb.Release, Assets: map[string]string{deb.Asset: deb.File}}); err != nil {
			return nil, fmt.Errorf("package %s: %w", deb.Name, err)
		}
		mux.Handle("/repos/"+owner+"/"+repo+"/", s)
		mux.Handle("/"+owner+"/"+repo+"/", s)
	}
	return mux, nil
}
