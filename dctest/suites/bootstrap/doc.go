// Package bootstrap is the suite that sets up a data centre with neco setup and
// publishes releases to it, on boot servers with real systemd, Docker, etcd and Vault.
//
// It starts its own data centre with three boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running. RUNS=5 repeats
// the measurements of the setup and of updates five times.
package bootstrap
