// Package bootstrap is the suite that sets a data centre up with neco setup and
// delivers releases to it, on boot servers with real systemd, Docker, etcd and
// Vault.
//
// It starts a data centre of its own, with five boot servers, and ends it; with
// DC=NAME it takes that one instead and leaves it running.  RUNS=5 measures the
// set-up five times.
package bootstrap
