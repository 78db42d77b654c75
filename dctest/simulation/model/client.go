package model

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// keepAliveTimeout is how long etcd's client library waits for the first response to a
// keep-alive of a lease.
const keepAliveTimeout = 5 * time.Second

// Client returns a client of e whose requests go over link. The caller closes it.
func (e *Etcd) Client(link *Link) *clientv3.Client {
	c := clientv3.NewCtxClient(context.Background())
	c.KV = clientv3.NewKVFromKVClient(kv{e, link}, c)
	c.Watcher = &watcher{e: e, link: link, closed: make(chan struct{})}
	c.Lease = clientv3.NewLeaseFromLeaseClient(leases{e: e, link: link}, c, keepAliveTimeout)
	return c
}
