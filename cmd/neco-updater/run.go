package main

import (
	"context"
	"log/slog"

	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/updater"
)

// run runs neco-updater, with its files below root, until ctx ends.
func run(ctx context.Context, root string, log *slog.Logger) error {
	s, err := daemon.Open(ctx, root, "neco-updater", log)
	if err != nil {
		return err
	}
	defer s.Close()
	cluster, err := s.FS.Cluster()
	if err != nil {
		return err
	}
	pulse := s.StartWatchdog(ctx, updater.StallLimit)
	return updater.Run(ctx, updater.Options{
		LRN: s.LRN, Hostname: s.Hostname, Etcd: s.Etcd, Logger: s.Log, Pulse: pulse,
		Finder: &finder{log: s.Log}, Notifier: notifier{cluster: cluster},
	})
}
