// Package cluster defines the complete description of a virtual data centre: its nodes
// with their interfaces, addresses, routes, BGP sessions and resources, and the links
// between them. A program that creates the data centre need not compute any address.
//
// It owns the types, the two files of a description (cluster.yml for the servers,
// network.yml for everything between them) and its validation. It must not know how
// addresses are assigned, or how nodes and links are created.
package cluster
