// Package machines tests the boot servers of the virtual data centre that
// "make dc" has started: systemd, Docker, time, and the world outside.  It
// holds tests only, with a build tag and a target of their own:
//
//	make -C dctest test SUITE=machines
package machines
