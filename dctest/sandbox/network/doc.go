// Package network simulates network partitions between the servers of a sandbox. Its
// proxies hold back data while the link between client and server is cut. Nothing is
// refused and nothing is lost, as when a cable is unplugged: both sides see only silence,
// and the data arrives after the link is restored, unless a side has timed out before.
//
// It must not know what is sent, except that one kind of proxy reads the HTTP header that
// identifies an etcd member.
package network
