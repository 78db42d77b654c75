// Package host changes and queries one boot server: its files, its systemd units, its
// containers and its Debian packages.
//
// It owns how to change a host safely: files are replaced atomically, waits have
// deadlines, dpkg is run under its lock. All paths are below a root directory, which is
// "/" on a boot server and another directory in the sandbox. Units are reached by the
// system bus, and containers by the docker command in PATH.
//
// It must not know what an update is, which files or units a component consists of, or
// that etcd exists. The types here have no interfaces: packages that use them declare the
// small interfaces that they need.
package host
