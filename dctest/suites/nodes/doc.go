// Package nodes tests the life of nodes in a virtual data centre: they boot from the network with
// Neco's ignition templates, are judged, restarted and retired.
package nodes
