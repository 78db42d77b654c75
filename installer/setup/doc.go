// Package setup makes the files that a boot server needs before Neco is installed: its
// names, addresses, routing, clock, resolver and Docker. The same files configure both
// real machines and the containers of a virtual data centre.
//
// It owns the seed, which contains all properties of one server, the files that are
// made from a seed, and the list of Debian packages that these files need. It must not
// know how the files get onto the server, nor which files Neco adds later.
package setup
