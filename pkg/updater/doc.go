// Package updater leads updates: it searches for releases, requests runs, and stops
// runs that cannot complete.
//
// One updater of the data centre is the leader; [Run] campaigns and leads. What to do
// is a pure function of a snapshot ([Decide]); all writes are fenced by the leader's
// election key. The package must not know what a step does, where releases come from,
// or where notifications go.
package updater
