// Package release finds, fetches and checks the releases of the neco package.
//
// It owns the form of a version, the choice of the newest release, the
// download of a release's package to a file, and the checks that a package
// must pass before dpkg may see it. Everything that comes from the network is
// hostile until checked: every length is bounded, every wait has a deadline.
//
// It must not know etcd, update runs, boot servers or dpkg's database: it is
// asked for a version and answers with a file, or says why not.
package release
