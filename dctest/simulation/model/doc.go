// Package model is a model of etcd that speaks etcd's protocol buffers, so that
// the real client library runs on top of it, with its keep-alives; only its
// watcher is replaced. It keeps time by package time and starts no connection,
// so a test can run it in a bubble of testing/synctest.
//
// It owns revisions, leases, transactions, watches, and a [Link] for each client
// that fails as a network does. It must not know what is stored. It is for
// tests only.
package model
