package release

import (
	"log/slog"
	"net/http"

	"github.com/cybozu-go/neco"
)

// Open returns a Finder for Neco's own releases on GitHub, and a client for downloading
// them; see [OpenRepository].
func Open(transport http.RoundTripper, token string, log *slog.Logger) (*Finder, *http.Client) {
	return OpenRepository(transport, token, neco.GitHubRepoOwner, neco.GitHubRepoName, log)
}

// OpenRepository returns a Finder for the releases of owner/repo on GitHub, and a client
// for downloading them. Both use transport. A token, if not empty, is sent to GitHub's
// API and nowhere else.
func OpenRepository(transport http.RoundTripper, token, owner, repo string, log *slog.Logger) (*Finder, *http.Client) {
	api := http.RoundTripper(NewTransport(transport))
	if token != "" {
		api = bearer{api, token}
	}
	gh := neco.NewGitHubClient(&http.Client{Transport: api})
	return NewFinder(gh, owner, repo, log), &http.Client{Transport: transport}
}

// bearer is a transport that sends the token to the host of the API only, because the API
// may redirect to other hosts.
type bearer struct {
	base  http.RoundTripper
	token string
}

func (b bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host == "api.github.com" {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.base.RoundTrip(req)
}
