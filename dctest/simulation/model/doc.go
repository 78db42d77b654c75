// Package model is a model of etcd that implements the gRPC services of etcd, so that the
// real client library runs on top of it, including its keep-alives. Only the library's
// watcher is replaced. The model uses package time and opens no connection, so a test can
// run it in a bubble of testing/synctest.
//
// It owns revisions, leases, transactions, watches, and a [Link] for each client, which
// fails as a network does. It must not know what is stored. It is for tests only.
package model
