package neco

import (
	"net/http"

	"github.com/google/go-github/v45/github"
)

// NewGitHubClient returns a client of the GitHub API with the user agent NecoUserAgent.
// It sends requests through c, which has the proxy, credentials and timeouts, or
// through http.DefaultClient if c is nil.
func NewGitHubClient(c *http.Client) *github.Client {
	gh := github.NewClient(c)
	gh.UserAgent = NecoUserAgent
	return gh
}
