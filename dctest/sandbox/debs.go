package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
)

// gitHub returns the handler of GitHub's hosts: the repository of Neco, and those of the
// Debian packages in the artifact set, with an empty package for each.
func (s *Sandbox) gitHub(ctx context.Context) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("/", s.releases)
	for _, d := range neco.CurrentArtifacts.Debs {
		file, err := s.buildDeb(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", d.Name, err)
		}
		server := releaseserver.New(releaseserver.Options{Owner: d.Owner, Name: d.Repository, Limit: releaseQuota, TokenLimit: releaseQuota})
		if err := server.Publish(releaseserver.Release{Tag: d.Release, Assets: map[string]string{filepath.Base(file): file}}); err != nil {
			return nil, fmt.Errorf("package %s: %w", d.Name, err)
		}
		mux.Handle("/repos/"+d.Owner+"/"+d.Repository+"/", server)
		mux.Handle("/"+d.Owner+"/"+d.Repository+"/", server)
	}
	return mux, nil
}

// buildDeb builds an empty package with the name and the version of d, and returns its
// file.
func (s *Sandbox) buildDeb(ctx context.Context, d neco.DebianPackage) (string, error) {
	version := strings.TrimPrefix(d.Release, "v")
	tree := s.path("debs", d.Name)
	meta := filepath.Join(tree, "DEBIAN")
	if err := os.MkdirAll(meta, 0o755); err != nil {
		return "", err
	}
	if err := os.Chmod(meta, 0o755); err != nil { // dpkg-deb requires it whatever the umask is
		return "", err
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: The Neco Authors <neco@users.noreply.github.com>\n"+
		"Description: stand-in for %s in a sandbox\n", d.Name, version, d.Name)
	if err := os.WriteFile(filepath.Join(meta, "control"), []byte(control), 0o644); err != nil {
		return "", err
	}
	file := s.path("debs", fmt.Sprintf("%s_%s_amd64.deb", d.Name, version))
	out, err := exec.CommandContext(ctx, "dpkg-deb", "--root-owner-group", "--build", tree, file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("dpkg-deb: %w: %s", err, out)
	}
	return file, nil
}
