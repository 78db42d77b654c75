// Package releaseserver is an HTTP server with the part of GitHub's API that programs
// need to follow, download and check releases: pages, drafts, pre-releases, conditional
// requests and rate limits. It serves the releases in a sandbox and in a virtual data
// centre.
//
// It owns an index of releases whose assets are files on disk. One handler serves both
// api.github.com and github.com, the host of the downloads. It must not know the content
// of an asset or its clients; the caller starts the listener.
package releaseserver
