package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

// startTimeout is how long the start of a service may take before neco-worker goes on
// without it.
const startTimeout = time.Minute

// startDown starts etcd and Vault if they are installed on this host and down: no update
// can be done without them. It leaves alone those that an update has stopped, because
// their versions must not mix. It logs errors and does not return them.
func startDown(ctx context.Context, fs host.FS, units component.Units, log *slog.Logger) {
	stopped, err := worker.FileJournal{FS: fs}.Load()
	if err != nil {
		log.Error("does not start programs that are down", "error", err)
		return
	}
	for _, name := range []string{program.Etcd, program.Vault} {
		if slices.ContainsFunc(stopped, func(s update.Stopped) bool { return s.Group == name }) {
			continue
		}
		if err := startOne(ctx, fs, units, name, log); err != nil {
			log.Error("cannot start a program that is down", "program", name, "error", err)
		}
	}
}

func startOne(ctx context.Context, fs host.FS, units component.Units, name string, log *slog.Logger) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it takes longer than %s", startTimeout))
	defer cancel()
	p, err := program.Find(name)
	if err != nil {
		return err
	}
	unit := p.Units[0]
	if installed, err := fs.Exists(neco.ServiceFile(unit)); err != nil || !installed {
		return err
	}
	if active, err := units.IsActive(ctx, unit); err != nil || active {
		return err
	}
	log.Warn("starts a program that is down", "program", name)
	return units.Start(ctx, unit)
}
