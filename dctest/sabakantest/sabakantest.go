// Package sabakantest gives tests a sabakan on loopback: the program that imitates
// sabakan in the virtual data centre, without etcd. It is for tests only.
package sabakantest

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/sabakan"
	"github.com/cybozu-go/neco/dctest/standintest"
)

// Start starts a sabakan that ends with the test, and returns its URL.
func Start(t testing.TB) string {
	t.Helper()
	url, stop, err := Launch(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// Launch starts a sabakan with its program and its data in dir, which must be empty, and
// returns its URL. It blocks until sabakan answers. The caller calls stop, which ends
// sabakan; sabakan also ends with ctx and with this process.
func Launch(ctx context.Context, dir string) (url string, stop func(), err error) {
	binary := filepath.Join(dir, "sabakan")
	if err := standintest.Build("sabakan", binary); err != nil {
		return "", nil, err
	}
	s, err := sabakan.Start(ctx, binary, dir, os.Stderr)
	if err != nil {
		return "", nil, err
	}
	if err := s.Ready(ctx); err != nil {
		s.Close()
		return "", nil, err
	}
	return s.URL, s.Close, nil
}

// Uploads are PUT requests to sabakan, and the sum of the sizes of their bodies.
type Uploads struct {
	Requests int   `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// Received returns the uploads that the sabakan at url has received since its start, by
// kind: assets, images, ignitions, config.
func Received(ctx context.Context, url string) (map[string]Uploads, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/standin/received", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var kinds map[string]Uploads
	return kinds, json.NewDecoder(res.Body).Decode(&kinds)
}
