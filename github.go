package neco

import (
	"net/http"

	"github.com/google/go-github/v45/github"
)

// NewGitHubClient returns a client of the GitHub API with the user agent NecoUserAgent.
// It sends requests through c, which has the proxy, credentials and timeouts; if c is
// nil, through http.DefaultClient.
func NewGitHubClient(c *http.Client) *github.Client {
	gh := github.NewClient(c)
	gh.UserAgent = NecoUserAgent
	return gh
}
