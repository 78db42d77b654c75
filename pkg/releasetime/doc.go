// Package releasetime owns the windows of time in which a release may be taken:
// cron expressions, and the time zone in which they are read.
//
// It must not know etcd, releases or the updater. Time zones are compiled in: a
// boot server need not have the tzdata package.
package releasetime
