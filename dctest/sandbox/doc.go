// Package sandbox runs a whole data centre in one process and its children: real etcd
// members, a release server and a registry of container images behind a proxy, and boot
// servers. A boot server is a directory in which dpkg has installed the neco package; its
// programs run as they do on a real server. Only systemd and Docker are replaced by
// imitations.
//
// It owns how all of that is started, broken and stopped, and it leaves no process or
// file behind. The programs of the neco package are not aware of the sandbox: their
// configuration names the proxy, and their environment names a CA, a D-Bus socket and a
// docker command.
//
// It must not know what a step of an update does.
package sandbox
