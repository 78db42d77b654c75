// Package cli is neco, the command of the operators. Each file has one constructor of
// commands; [New] combines the commands, and [Run] runs one.
//
// It owns the arguments, tables, JSON, hints and exit codes. It must not know how etcd
// keys are named or encoded (pkg/storage), what an update does next (pkg/update), or how
// a host is changed (pkg/host). Errors of these packages describe the failure; a hint
// that is added here describes what to do next.
package cli
