// Package sandbox is a data centre in one process and its children: real
// members of etcd, a release server and a registry of container images behind
// a proxy, and boot servers, each of which is a directory with the neco
// package installed by dpkg and its programs running as they do on a real
// server.  Only systemd and Docker are stand-ins.
//
// It owns how all of that is started, broken and ended, and it leaves nothing
// behind.  The programs in the package are not told that they are in a
// sandbox: they find a proxy in their configuration, and a certificate
// authority, a bus and a docker command in their environment.
//
// It must not know what a step of an update does.
package sandbox
