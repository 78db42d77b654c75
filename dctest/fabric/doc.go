// Package fabric tests the network of the virtual data centre: a leaf-spine
// fabric of real BIRDs in network namespaces, with its faults.  It holds tests
// only; they need root, and have a build tag and a target of their own:
//
//	make -C dctest test SUITE=fabric
package fabric
