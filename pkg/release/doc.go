// Package release finds, downloads and checks the releases of the neco package.
//
// It owns the format of a version, the choice of the newest release, the download of a
// release's package to a file, and the checks that a package must pass before dpkg reads
// it. Data from the network is hostile until checked: every length is bounded, every wait
// has a deadline.
//
// It must not know etcd, update runs, boot servers or dpkg's database: it takes a version
// and returns a file or an error.
package release
