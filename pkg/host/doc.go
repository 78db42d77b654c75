// Package host touches one boot server: its files, its systemd units, its
// containers and its Debian packages.
//
// It owns how to change a host safely: files are replaced atomically, waits
// have deadlines, dpkg is run under its lock. Everything is done below a root
// directory, which is "/" on a boot server and another directory in the
// sandbox; units and containers are reached through the system bus and the
// docker command that the environment names.
//
// It must not know what an update is, which files or units a component
// consists of, or that etcd exists. The types here are plain adapters:
// whoever uses one declares the small interface that it needs.
package host
