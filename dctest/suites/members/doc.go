// Package members is the suite in which boot servers join a data centre, are refused,
// leave, and join again, on boot servers with real systemd, Docker, etcd and Vault.
//
// It starts its own data centre with five boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running.
package members
