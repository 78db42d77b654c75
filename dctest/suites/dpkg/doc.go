// Package dpkg is the suite that installs, upgrades, removes, purges and breaks the Debian
// package on a boot server, and compares the running services before and after each run of dpkg.
//
// It starts its own data centre with one boot server and stops it at the end; with DC=NAME it
// uses the data centre NAME instead and leaves it running. The programs that Neco manages are
// stand-ins, except etcd.
package dpkg
