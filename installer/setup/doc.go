// Package setup is the part of a boot server that is there before Neco: its
// names, addresses, routing, clock, resolver and Docker. The same files make a
// machine from the installer and a container of a virtual data centre a boot
// server.
//
// It owns the seed, which is all that a server has to be told about itself,
// the files that follow from it, and the list of Debian packages that they
// need. It must not know how the files get onto the server, nor what Neco adds
// to them later.
package setup
