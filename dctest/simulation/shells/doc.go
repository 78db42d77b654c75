// Package shells runs the shells around the pure core, neco-worker's and
// neco-updater's, against etcd while its network fails, and checks that each run
// ends and that whatever looks alive makes progress.
//
// It has tests only. One suite runs on the model of etcd in simulated time,
// from a seed; the other one on a real etcd behind a proxy (build tag shell).
package shells
