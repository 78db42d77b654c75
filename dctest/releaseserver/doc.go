// Package releaseserver is a release server that speaks enough of GitHub's API for
// programs that follow, download and check releases, with its pages, drafts,
// pre-releases, conditional requests and rate limits. It is where a sandbox
// or a virtual data centre gets its releases from.
//
// It owns an index of releases whose assets are files on disk. One handler
// serves both of GitHub's hosts: the API's, and the one that downloads come
// from. It must not know what is inside an asset, nor who asks and why; and
// it starts no listener: that is its caller's.
package releaseserver
