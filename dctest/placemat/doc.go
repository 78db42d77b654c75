// Package placemat runs a virtual data centre, described by package cluster, on one Linux
// machine: a network namespace for each node, veth pairs for the links, BIRD on nodes
// that use BGP, and a container with systemd for each boot server. It also injects
// faults: cut links, dropped packets, power loss.
//
// It owns these namespaces, containers, processes and files. All their names contain the
// name of the data centre, so that several data centres can run at the same time and Down
// finds everything after a crash. It must not compute addresses or know the programs
// on the servers.
package placemat
