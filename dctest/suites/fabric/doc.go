// Package fabric tests the virtual data centre that "make dc" has started: its leaf-spine
// network under faults, its boot servers, and its isolation from another data centre on
// the same machine. It has only tests, which need root and have a build tag and a make
// target of their own:
//
//	make -C dctest test SUITE=fabric
package fabric
