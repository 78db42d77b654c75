// Package shells runs the worker and updater loops of neco-worker and neco-updater
// against etcd while its network fails. It checks that each run ends, and that after the
// last fault each process has its key in etcd and makes progress.
//
// It has only tests. One suite runs on the model of etcd in simulated time, from a seed;
// the other one on a real etcd behind a proxy (build tag shell).
package shells
