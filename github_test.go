package neco

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestTheGitHubClientSaysWhoItIs(t *testing.T) {
	var agent string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.Write([]byte("{}"))
	}))
	defer srv.Close()
	gh := NewGitHubClient(srv.Client())
	base, err := url.Parse(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	gh.BaseURL = base
	if _, _, err := gh.Repositories.GetLatestRelease(t.Context(), GitHubRepoOwner, GitHubRepoName); err != nil {
		t.Fatal(err)
	}
	if agent != NecoUserAgent {
		t.Errorf("user agent = %q", agent)
	}
}
