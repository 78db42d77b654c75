// Package etcdtest starts a cluster of real etcd members for the tests of a package. It
// is for tests only.
package etcdtest

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
)

// Cluster is an etcd cluster that all tests of a package share. Each test should use its
// own prefix of keys.
type Cluster struct {
	*etcd.Cluster
	prefixes atomic.Int64
}

// Main starts c with the given number of members, runs the tests of the package and
// returns the exit code. The members do not sync their files to the disk.
func (c *Cluster) Main(m *testing.M, members int) int {
	dir, err := os.MkdirTemp("", "neco-etcd")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	c.Cluster, err = etcd.Start(context.Background(), etcd.Options{Dir: dir, Members: members, NoFsync: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer c.Close()
	return m.Run()
}

// Prefix returns a new prefix of keys that no other test uses.
func (c *Cluster) Prefix() string { return fmt.Sprintf("/test%d/", c.prefixes.Add(1)) }

// NewClient returns a client that prepends prefix to its keys. It is closed at the end of
// the test.
func (c *Cluster) NewClient(t testing.TB, prefix string) *clientv3.Client {
	t.Helper()
	cl, err := c.Client(prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}
