// Package neco has the declarations that all programs of Neco share: the names and
// paths on a boot server, the artifacts that a release installs, the messages that
// neco-updater and neco-worker exchange through etcd, and thin clients of the programs
// that a boot server runs (etcd, Vault, systemd, Docker, dpkg).
//
// It owns names, formats and defaults. It must not know how an update proceeds, which
// etcd keys exist, or what a component of a boot server consists of: packages below
// pkg/ own these, and no package below pkg/ is imported here.
//
// Most paths are absolute because they are part of the contract with other programs.
// Code that has to work below another root directory joins the paths with that root
// itself.
package neco
