package releaseserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v45/github"
)

const (
	owner = "cybozu-go"
	repo  = "neco"
	token = "s3cret"
)

// direct is an HTTP transport that calls a handler without a network.
type direct struct {
	handler http.Handler
	token   string
	header  http.Header // added to every request
}

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.Host, in.RemoteAddr = req.URL.Host, "192.0.2.1:4711"
	for name, values := range d.header {
		in.Header[name] = values
	}
	if d.token != "" {
		in.Header.Set("Authorization", "Bearer "+d.token)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func client(s *Server, token string) *github.Client {
	return github.NewClient(&http.Client{Transport: direct{handler: s, token: token}})
}

// file creates a file to publish.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "asset")
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func publish(t *testing.T, s *Server, r Release) {
	t.Helper()
	if err := s.Publish(r); err != nil {
		t.Fatal(err)
	}
}

// threeKinds returns a server with a release, a newer pre-release and a draft.
func threeKinds(t *testing.T, opts Options) *Server {
	t.Helper()
	opts.Tokens = []string{token}
	s := New(opts)
	publish(t, s, Release{Tag: "release-1", Assets: map[string]string{"a.deb": file(t, "package"), "a.deb.sha256": file(t, "sum")}})
	publish(t, s, Release{Tag: "release-2", Prerelease: true})
	publish(t, s, Release{Tag: "release-3", Draft: true})
	return s
}

func tags(t *testing.T, c *github.Client) []string {
	t.Helper()
	releases, _, err := c.Repositories.ListReleases(t.Context(), owner, repo, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range releases {
		names = append(names, r.GetTagName())
	}
	return names
}

func TestDraftsAreShownOnlyWithAToken(t *testing.T) {
	s := threeKinds(t, Options{})
	if diff := cmp.Diff([]string{"release-2", "release-1"}, tags(t, client(s, ""))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"release-3", "release-2", "release-1"}, tags(t, client(s, token))); diff != "" {
		t.Error(diff)
	}
	_, _, err := client(s, "wrong").Repositories.ListReleases(t.Context(), owner, repo, nil)
	if code(err) != http.StatusUnauthorized {
		t.Errorf("a wrong token: %v", err)
	}
}

func TestReleasesAreFoundInEveryWay(t *testing.T) {
	c := client(threeKinds(t, Options{}), token)
	repos, ctx := c.Repositories, t.Context()
	latest, _, err := repos.GetLatestRelease(ctx, owner, repo)
	if err != nil || latest.GetTagName() != "release-1" {
		t.Fatalf("latest: %v, %v", latest.GetTagName(), err)
	}
	byTag, _, err := repos.GetReleaseByTag(ctx, owner, repo, "release-2")
	if err != nil || !byTag.GetPrerelease() {
		t.Fatalf("by tag: %v, %v", byTag, err)
	}
	byID, _, err := repos.GetRelease(ctx, owner, repo, latest.GetID())
	if err != nil || byID.GetTagName() != "release-1" {
		t.Fatalf("by id: %v, %v", byID.GetTagName(), err)
	}
	assets, _, err := repos.ListReleaseAssets(ctx, owner, repo, latest.GetID(), nil)
	if err != nil || len(assets) != 2 || assets[0].GetName() != "a.deb" {
		t.Fatalf("assets: %v, %v", assets, err)
	}
	asset, _, err := repos.GetReleaseAsset(ctx, owner, repo, assets[0].GetID())
	if err != nil || asset.GetSize() != len("package") {
		t.Fatalf("asset: %v, %v", asset, err)
	}
}

func TestWhatDoesNotExistIsNotFound(t *testing.T) {
	s := threeKinds(t, Options{Owner: owner, Name: repo})
	cases := map[string]string{
		"a tag that is not published": "https://api.github.com/repos/cybozu-go/neco/releases/tags/release-9",
		"a draft's tag":               "https://api.github.com/repos/cybozu-go/neco/releases/tags/release-3",
		"an unknown id":               "https://api.github.com/repos/cybozu-go/neco/releases/99",
		"an unknown asset":            "https://api.github.com/repos/cybozu-go/neco/releases/assets/99",
		"assets of an unknown id":     "https://api.github.com/repos/cybozu-go/neco/releases/99/assets",
		"another repository":          "https://api.github.com/repos/cybozu-go/cke/releases",
		"another path":                "https://api.github.com/repos/cybozu-go/neco/pulls",
		"a file of no asset":          "https://github.com/cybozu-go/neco/releases/download/release-1/b.deb",
		"a file of another release":   "https://github.com/cybozu-go/neco/releases/download/release-2/a.deb",
		"the API on the other host":   "https://github.com/repos/cybozu-go/neco/releases",
		"a download from the API":     "https://api.github.com/cybozu-go/neco/releases/download/release-1/a.deb",
	}
	for name, address := range cases {
		t.Run(name, func(t *testing.T) {
			resp, _ := get(t, direct{handler: s}, address)
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", address, resp.Status)
			}
		})
	}
}

func TestAssetsAreDownloadedInBothWays(t *testing.T) {
	s := threeKinds(t, Options{})
	release, _, err := client(s, "").Repositories.GetLatestRelease(t.Context(), owner, repo)
	if err != nil {
		t.Fatal(err)
	}
	asset := release.Assets[0]
	want := "https://github.com/cybozu-go/neco/releases/download/release-1/a.deb"
	if diff := cmp.Diff(want, asset.GetBrowserDownloadURL()); diff != "" {
		t.Error(diff)
	}
	if _, body := get(t, direct{handler: s}, want); body != "package" {
		t.Errorf("download: %q", body)
	}
	octets := http.Header{"Accept": {"application/octet-stream"}}
	if _, body := get(t, direct{handler: s, header: octets}, asset.GetURL()); body != "package" {
		t.Errorf("asset: %q", body)
	}
}

func TestPartOfAnAssetIsSent(t *testing.T) {
	s := threeKinds(t, Options{})
	address := "https://github.com/cybozu-go/neco/releases/download/release-1/a.deb"
	whole, _ := get(t, direct{handler: s}, address)
	part := http.Header{"Range": {"bytes=3-"}, "If-Range": {whole.Header.Get("ETag")}}
	if resp, body := get(t, direct{handler: s, header: part}, address); resp.StatusCode != http.StatusPartialContent || body != "kage" {
		t.Errorf("got %s %q", resp.Status, body)
	}
	part.Set("If-Range", `"another"`)
	if resp, body := get(t, direct{handler: s, header: part}, address); resp.StatusCode != http.StatusOK || body != "package" {
		t.Errorf("of a file that has changed: %s %q", resp.Status, body)
	}
}

func TestPagesLeadToEachOther(t *testing.T) {
	s := New(Options{Limit: -1})
	for i := range 7 {
		publish(t, s, Release{Tag: fmt.Sprintf("release-%d", i)})
	}
	var seen []string
	opts := &github.ListOptions{PerPage: 3}
	for {
		releases, resp, err := client(s, "").Repositories.ListReleases(t.Context(), owner, repo, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range releases {
			seen = append(seen, r.GetTagName())
		}
		if resp.NextPage == 0 {
			break
		}
		if resp.LastPage != 3 {
			t.Errorf("last page is %d", resp.LastPage)
		}
		opts.Page = resp.NextPage
	}
	want := []string{"release-6", "release-5", "release-4", "release-3", "release-2", "release-1", "release-0"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnchangedAnswerIsNotSentAgain(t *testing.T) {
	s := threeKinds(t, Options{})
	const address = "https://api.github.com/repos/cybozu-go/neco/releases"
	first, _ := get(t, direct{handler: s, token: token}, address)
	again := direct{handler: s, token: token, header: http.Header{"If-None-Match": {first.Header.Get("ETag")}}}
	second, body := get(t, again, address)
	if second.StatusCode != http.StatusNotModified || body != "" {
		t.Fatalf("got %s %q", second.Status, body)
	}
	if a, b := first.Header.Get("X-RateLimit-Remaining"), second.Header.Get("X-RateLimit-Remaining"); a != b {
		t.Errorf("with a token it was counted: %s, then %s", a, b)
	}
	publish(t, s, Release{Tag: "release-4"})
	if third, _ := get(t, again, address); third.StatusCode != http.StatusOK {
		t.Errorf("after a change: %s", third.Status)
	}
}

func TestRequestsAreLimitedByTheHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := threeKinds(t, Options{Limit: 2})
		const address = "https://api.github.com/repos/cybozu-go/neco/releases"
		statuses := func(header http.Header) (codes []int) {
			for range 3 {
				resp, _ := get(t, direct{handler: s, header: header}, address)
				codes = append(codes, resp.StatusCode)
			}
			return codes
		}
		resp, _ := get(t, direct{handler: s}, address)
		etag := http.Header{"If-None-Match": {resp.Header.Get("ETag")}}
		if diff := cmp.Diff([]int{304, 403, 403}, statuses(etag)); diff != "" {
			t.Errorf("without a token every request counts: %s", diff)
		}
		time.Sleep(window)
		if diff := cmp.Diff([]int{200, 200, 403}, statuses(nil)); diff != "" {
			t.Errorf("after the window: %s", diff)
		}
		if names := tags(t, client(s, token)); len(names) != 3 {
			t.Errorf("with a token: %v", names)
		}
	})
}

func TestPublishReplacesAndRefuses(t *testing.T) {
	s := New(Options{Limit: -1})
	publish(t, s, Release{Tag: "release-1", Prerelease: true})
	publish(t, s, Release{Tag: "release-2"})
	publish(t, s, Release{Tag: "release-1"})
	if diff := cmp.Diff([]string{"release-2", "release-1"}, tags(t, client(s, ""))); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string]Release{
		"no tag":             {},
		"a tag with a slash": {Tag: "a/b"},
		"a missing file":     {Tag: "release-3", Assets: map[string]string{"a": "/does/not/exist"}},
		"a directory":        {Tag: "release-3", Assets: map[string]string{"a": t.TempDir()}},
		"a nameless asset":   {Tag: "release-3", Assets: map[string]string{"": file(t, "")}},
	} {
		if err := s.Publish(bad); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if !s.Remove("release-2") || s.Remove("release-2") {
		t.Error("Remove does not report whether the release existed")
	}
	if diff := cmp.Diff([]string{"release-1"}, tags(t, client(s, ""))); diff != "" {
		t.Error(diff)
	}
}

func TestItIsUsedByManyAtOnce(t *testing.T) {
	s := New(Options{Limit: -1})
	path := file(t, "package")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			tag := fmt.Sprintf("release-%d", i)
			if err := s.Publish(Release{Tag: tag, Assets: map[string]string{"a.deb": path}}); err != nil {
				t.Error(err)
			}
			if _, _, err := client(s, "").Repositories.GetReleaseByTag(context.Background(), owner, repo, tag); err != nil {
				t.Error(err)
			}
			s.Remove(tag)
		})
	}
	wg.Wait()
}

func get(t *testing.T, rt http.RoundTripper, address string) (*http.Response, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := rt.RoundTrip(&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func code(err error) int {
	if answer, ok := err.(*github.ErrorResponse); ok {
		return answer.Response.StatusCode
	}
	return 0
}
