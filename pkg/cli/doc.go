// Package cli is neco, the operator's command: one constructor a file, built
// by [New] and run by [Run].
//
// It owns what the operator types and reads: arguments, tables, JSON, hints
// and exit codes. It must not know how etcd keys are named or encoded
// (pkg/storage), what an update does next (pkg/update), or how a host is
// changed (pkg/host); it asks them and shows the answer. Errors come from
// below and say what went wrong; a hint added here says what to do next.
package cli
