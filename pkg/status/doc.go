// Package status turns a snapshot of the shared state into what neco status
// shows: a [View], its JSON, its table, and what has changed between two.
//
// It owns what is shown and in which words. It is pure: it must not know
// where the snapshot comes from, what time it is, or where the text goes.
// Whatever was read from etcd is shown without control characters.
package status
