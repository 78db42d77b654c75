// Package setup makes the files that a boot server needs before Neco is installed: its
// names, addresses, routing, clock, resolver and Docker. The same files configure machines
// from the installer and containers of a virtual data centre.
//
// It owns the seed, which contains all properties of one server, the files that follow
// from the seed, and the list of Debian packages that they need. It must not know how the
// files get onto the server, nor which files Neco adds later.
package setup
