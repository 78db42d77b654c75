package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cybozu-go/neco"
)

// newRegistries returns a registry for each host in the names of the images, with these
// images and their successors. The archives are read on request.
func newRegistries(images []builtImage) (map[string]http.Handler, error) {
	all, hosts := blobs{}, map[string]http.Handler{}
	// These registries exist even without an image.
	for _, host := range []string{"quay.io", "ghcr.io"} {
		hosts[host] = newRegistry(all)
	}
	for _, built := range images {
		img, err := tarball.ImageFromPath(built.File, nil)
		if err != nil {
			return nil, fmt.Errorf("read image %s: %w", built.File, err)
		}
		for _, full := range withPrivate(built.Names) {
			if err := serve(hosts, all, full, img); err != nil {
				return nil, fmt.Errorf("serve image %s: %w", full, err)
			}
		}
	}
	for host, h := range hosts {
		hosts[host] = accounts{readOnly{h, all}}
	}
	return hosts, nil
}

// withPrivate returns the full names of an image, and those in the private repositories of
// the artifact set. These contain the same image.
func withPrivate(names []string) []string {
	all := slices.Clone(names)
	for _, img := range neco.CurrentArtifacts.Images {
		if img.Private && slices.Contains(names, img.FullName(false)) {
			all = append(all, img.FullName(true))
		}
	}
	return all
}

// serve serves the image img under its full name, and its successors.
func serve(hosts map[string]http.Handler, all blobs, full string, img v1.Image) error {
	images, err := withSuccessors(full, img)
	if err != nil {
		return err
	}
	for name, img := range images {
		if err := all.add(img); err != nil {
			return err
		}
		if err := tag(hosts, all, name, img); err != nil {
			return err
		}
	}
	return nil
}

func newRegistry(b blobs) http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(b))
}

// tag stores the manifest of the image img in the registry whose host is in the image's
// full name.
func tag(hosts map[string]http.Handler, b blobs, full string, img v1.Image) error {
	ref, err := name.NewTag(full, name.StrictValidation)
	if err != nil {
		return err
	}
	host := ref.RegistryStr()
	if hosts[host] == nil {
		hosts[host] = newRegistry(b)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return err
	}
	kind, err := img.MediaType()
	if err != nil {
		return err
	}
	path := "/v2/" + ref.RepositoryStr() + "/manifests/" + ref.TagStr()
	req, err := http.NewRequest(http.MethodPut, path, bytes.NewReader(manifest))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", string(kind))
	a := answer{header: http.Header{}}
	hosts[host].ServeHTTP(&a, req)
	if a.status != http.StatusCreated {
		return fmt.Errorf("the registry answers %d: %s", a.status, strings.TrimSpace(a.body.String()))
	}
	return nil
}

// answer records the response of a handler to a request that this program itself makes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*answer)(nil)

// Header returns the header of the response.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader records the status of the response.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write records a part of the response's body.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
