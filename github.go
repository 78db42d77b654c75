package neco

import (
	"net/http"

	"github.com/google/go-github/v45/github"
)

// NewGitHubClient returns a client of the GitHub API that introduces itself as
// NecoUserAgent. c carries proxy, credentials and timeouts; nil means
// http.DefaultClient.
func NewGitHubClient(c *http.Client) *github.Client {
	gh := github.NewClient(c)
	gh.UserAgent = NecoUserAgent
	return gh
}
