package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/releaseserver"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// direct is an http.RoundTripper that passes requests to a handler without a network.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.Host, in.RemoteAddr = req.URL.Host, "192.0.2.1:4711"
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// newFinder returns a finder for a release server with one release, tag. The digest
// file of the release contains sum.
func newFinder(t *testing.T, tag, sum string) *finder {
	t.Helper()
	v, err := release.ParseTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	assets := map[string]string{}
	for name, content := range map[string]string{release.PackageFile(v): "package", release.PackageFile(v) + ".sha256": sum} {
		assets[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(assets[name], []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := releaseserver.New(releaseserver.Options{Limit: -1})
	if err := s.Publish(releaseserver.Release{Tag: tag, Assets: assets}); err != nil {
		t.Fatal(err)
	}
	f := &finder{log: slog.New(slog.DiscardHandler)}
	f.finder, f.client = release.Open(direct{s}, "", f.log)
	return f
}

func TestAReleaseWhoseDigestFileIsMalformedIsNoRelease(t *testing.T) {
	const version = "2022.05.25-1"
	good := strings.Repeat("0", 64) + "  neco_" + version + "_amd64.deb\r\n"
	got, err := newFinder(t, "release-"+version, good).Newest(t.Context(), storage.Config{Env: neco.ProdEnv}, nil)
	if err != nil || got.Version != version {
		t.Errorf("a good one: %+v, %v", got, err)
	}
	got, err = newFinder(t, "release-"+version, "<html>").Newest(t.Context(), storage.Config{Env: neco.ProdEnv}, nil)
	if !errors.Is(err, release.ErrBadDigestFile) || got.Version != "" {
		t.Errorf("a malformed one: %+v, %v", got, err)
	}
}

func TestEachEnvironmentLooksForItsOwnTags(t *testing.T) {
	const version = "2022.05.25-1"
	sum := strings.Repeat("0", 64) + "  neco_" + version + "_amd64.deb\n"
	for env, want := range map[string]string{
		neco.ProdEnv: "", neco.StagingEnv: "", neco.DevEnv: version, neco.TestEnv: release.TestVersion,
	} {
		got, err := newFinder(t, "test-"+version, sum).Newest(t.Context(), storage.Config{Env: env}, nil)
		if err != nil || got.Version != want {
			t.Errorf("%s: %+v, %v; want %q", env, got, err, want)
		}
	}
}

// TestEachNoticeGoesToSlackThroughTheProxy uses a webhook whose host does not exist, so
// that the requests can only have gone through the proxy.
func TestEachNoticeGoesToSlackThroughTheProxy(t *testing.T) {
	var bodies []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Host != "slack.invalid" {
			t.Errorf("asked for %s, %v", r.URL, err)
		}
		bodies = append(bodies, string(body))
	}))
	defer proxy.Close()
	c := storage.Config{Slack: "http://slack.invalid/services/x", Proxy: proxy.URL}
	n := notifier{cluster: "stage0"}
	notice := updater.Notice{Version: "2026.11.29-1", Servers: []int{0, 1}, Detail: "detail", Absent: []int{1}}
	for _, notice.Kind = range []updater.Kind{updater.KindComplete, updater.KindAbort, updater.KindTimeout, updater.KindStopped, updater.KindAbsent, updater.KindBegin} {
		if err := n.Notify(t.Context(), c, notice); err != nil {
			t.Errorf("%v: %v", notice.Kind, err)
		}
	}
	for i, body := range bodies {
		if !strings.Contains(body, "stage0") || !strings.Contains(body, "2026.11.29-1") || slices.Index(bodies, body) != i {
			t.Errorf("message %d: %s", i, body)
		}
	}
	if len(bodies) != 6 {
		t.Errorf("%d messages, want 6, no two the same", len(bodies))
	}
	if err := n.Notify(t.Context(), storage.Config{Proxy: "http://127.0.0.1:1"}, notice); err != nil {
		t.Errorf("without a webhook nobody is told: %v", err)
	}
}

func TestTheClientIsKeptAsLongAsTheConfigurationStaysTheSame(t *testing.T) {
	f := &finder{log: slog.New(slog.DiscardHandler)}
	open := func(c storage.Config) *http.Client {
		t.Helper()
		if err := f.open(c); err != nil {
			t.Fatal(err)
		}
		return f.client
	}
	first := open(storage.Config{Env: neco.ProdEnv})
	if open(storage.Config{Env: neco.StagingEnv}) != first {
		t.Error("another environment asks the same server")
	}
	if open(storage.Config{Proxy: "http://10.0.0.1:3128"}) == first {
		t.Error("a proxy is not used")
	}
}
