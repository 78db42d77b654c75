// Package releasetime owns the time windows in which a release may be taken: cron
// expressions and their time zone.
//
// It must not know etcd, releases or the updater. Time zones are compiled in, because a
// boot server may not have the tzdata package.
package releasetime
