// Package placemat realises the description of a virtual data centre (package
// cluster) on one Linux machine: a network namespace for each node, veth pairs
// for the links, and BIRD where a node speaks BGP.
//
// It owns what it makes and how that is found again: namespaces, processes and
// files carry the name of the data centre, so that several run side by side,
// and Down finds everything after a crash too.  It computes no address.
package placemat
