// Package status turns a snapshot of Neco's state in etcd into the output of neco status:
// a [View], its JSON, its table, and the changes between two views.
//
// It owns the contents and the wording of that output. It has no I/O and no clock: it
// must not know where the snapshot comes from, what time it is, or where the text goes.
// All text from etcd is shown without control characters.
package status
