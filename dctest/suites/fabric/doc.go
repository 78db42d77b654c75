// Package fabric tests the virtual data centre that "make dc" has started: its
// leaf-spine network with the faults of that, its boot servers, and that another
// data centre beside it disturbs nothing.  It holds tests only; they need root,
// and have a build tag and a target of their own:
//
//	make -C dctest test SUITE=fabric
package fabric
