package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// direct is an HTTP transport that passes all requests to a handler of this program.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// load pushes all images in an archive into the registry and returns their names.
func load(ctx context.Context, handler http.Handler, archive string) ([]string, error) {
	opener := func() (io.ReadCloser, error) { return os.Open(archive) }
	manifest, err := tarball.LoadManifest(opener)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range manifest {
		for _, t := range d.RepoTags {
			tag, err := name.NewTag(t)
			if err != nil {
				return nil, err
			}
			img, err := tarball.ImageFromPath(archive, &tag)
			if err != nil {
				return nil, err
			}
			if err := remote.Write(tag, img, remote.WithContext(ctx), remote.WithTransport(direct{handler})); err != nil {
				return nil, err
			}
			names = append(names, tag.String())
		}
	}
	return names, nil
}
