// Package updater leads updates: it looks for releases, orders runs, and ends
// those that cannot be completed.
//
// One updater of the data centre is the leader; [Run] campaigns and leads.
// What to do is a pure function of a snapshot ([Decide]); all writes are
// fenced by the leader's election key.  The package does not know what a step
// does, nor where releases and notices come from or go to.
package updater
