package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/daemon"
	"github.com/cybozu-go/neco/pkg/fleet"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/metrics"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// defaultConfig is the configuration of the package.
var defaultConfig = filepath.Join(neco.NecoDataDir, neco.SabakanStateSetterService+".yml")

// options are the flags.
type options struct {
	configFile, sabakanURL, serfAddress string
	interval, ttl                       time.Duration
	parallel                            int
}

func newCommand() *cobra.Command {
	var o options
	cmd, _ := daemon.Command(neco.SabakanStateSetterService, "Set the states of the machines in sabakan", o.run)
	cmd.Version = "" // the package is built so that the program is the same in each version
	f := cmd.Flags()
	f.StringVar(&o.configFile, "config-file", defaultConfig, "`FILE` that says what a healthy machine has")
	f.DurationVar(&o.ttl, "etcd-session-ttl", time.Minute, "time after which another server leads if this one is lost")
	f.DurationVar(&o.interval, "interval", time.Minute, "time between two rounds")
	f.IntVar(&o.parallel, "parallel", fleet.Parallel, "number of machines whose metrics are read at the same time")
	f.StringVar(&o.sabakanURL, "sabakan-url", neco.SabakanLocalEndpoint, "`URL` of sabakan")
	f.StringVar(&o.serfAddress, "serf-address", fleet.SerfAddress, "`ADDRESS` of serf's RPC endpoint")
	return cmd
}

// check returns an error if a flag has an impossible value.
func (o *options) check() error {
	switch {
	case o.interval < time.Second:
		return fmt.Errorf("--interval %s is too short; the shortest is 1s", o.interval)
	case o.ttl < time.Second:
		return fmt.Errorf("--etcd-session-ttl %s is too short; the shortest is 1s", o.ttl)
	case o.parallel < 1:
		return fmt.Errorf("--parallel is %d, but must be 1 or more", o.parallel)
	}
	if _, err := weburl.Parse(o.sabakanURL); err != nil {
		return fmt.Errorf("--sabakan-url: %w", err)
	}
	return nil
}

// run keeps the states until ctx ends.
func (o *options) run(ctx context.Context, root string, log *slog.Logger) error {
	if err := o.check(); err != nil {
		return err
	}
	file := o.configFile
	if file == defaultConfig {
		file = host.FS{Root: root}.Path(file)
	}
	config, err := statesetter.Load(file)
	if err != nil {
		return err
	}
	s, err := daemon.Open(ctx, root, neco.SabakanStateSetterService, log)
	if err != nil {
		return err
	}
	defer s.Close()
	client := sabakan.New(o.sabakanURL)
	defer client.Close()
	observer := fleet.New(client, o.serfAddress)
	observer.Parallel = o.parallel
	registry := prometheus.NewRegistry()
	stats := fleet.NewStats(registry)
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var serving sync.WaitGroup
	defer serving.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	serving.Go(func() {
		node0, _ := netip.AddrFromSlice(neco.BootNode0IP(s.LRN))
		loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		metrics.Serve(ctx, s.Log, registry, netip.AddrPortFrom(node0, fleet.StatsPort), netip.AddrPortFrom(loopback, fleet.StatsPort))
	})
	fleet.Run(ctx, fleet.Options{
		LRN: s.LRN, Hostname: s.Hostname, Etcd: s.Etcd, Log: s.Log, Observer: observer, Config: config,
		Valve: fleet.DefaultValve(), Stats: stats, Settle: fleet.Settle, Interval: o.interval, TTL: o.ttl, Pulse: s.StartWatchdog(ctx, fleet.StallLimit),
	})
	return nil
}
