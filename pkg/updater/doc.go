// Package updater leads updates: it searches for releases, requests runs, and stops runs
// that cannot complete.
//
// One updater of the data centre is the leader; [Run] competes for the leadership and
// then leads. [Decide] determines what to do from a snapshot of etcd alone. A write
// succeeds only while the leader's election key exists. The package must not know what a
// step does, where releases come from, or where notifications go.
package updater
