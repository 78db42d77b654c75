// Package network is the network between the servers of a sandbox, as far as
// it can be cut: proxies that stand between two sides and hold back what comes
// while the line between them is cut.  Nothing is refused and nothing is lost,
// as when a cable is pulled: both sides see only silence, and what was sent
// arrives when the cable is back, unless they have given up before.
//
// It must not know what is sent, except that one kind of proxy reads the HTTP
// header by which etcd's members say who they are.
package network
