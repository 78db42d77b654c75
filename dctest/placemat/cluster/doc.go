// Package cluster is the complete description of a virtual data centre: its
// nodes with their interfaces, addresses, routes, BGP sessions and resources,
// and the links between them. Whoever realises it computes no address.
//
// It owns the types, the two files that they are kept in (cluster.yml: the
// servers; network.yml: everything between them) and the check that the whole
// fits together. It must not know how addresses are assigned, nor how nodes
// and links come to life.
package cluster
