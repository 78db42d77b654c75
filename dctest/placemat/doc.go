// Package placemat realises the description of a virtual data centre (package
// cluster) on one Linux machine: a network namespace for each node, veth pairs
// for the links, BIRD where a node speaks BGP, and a container with systemd for
// each boot server; and it breaks them on purpose.
//
// It owns what it makes and how that is found again: namespaces, containers,
// processes and files carry the name of the data centre, so that several run
// side by side, and Down finds everything after a crash too.  It computes no
// address, and must not know what is done on the servers.
package placemat
