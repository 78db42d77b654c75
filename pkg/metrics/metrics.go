// Package metrics serves the metrics of a daemon for Prometheus.
//
// It owns the limits of the server: the address is open to the data centre. It must not know what
// the metrics are.
package metrics

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"github.com/cybozu-go/neco"
)

const (
	// maxConnections is how many connections are open at an address at the same time, and
	// maxHeader how large the header of a request is, in bytes.
	maxConnections = 16
	maxHeader      = 8 << 10
	// timeout is how long a request may take.
	timeout = 10 * time.Second
	// listenPause is the longest pause between two attempts to listen.
	listenPause = time.Minute
)

// Serve answers GET /metrics at the addresses with the metrics of g, until ctx ends; nothing else
// is there. If this host does not have an address yet, or another process uses it, Serve logs that
// once and tries again.
func Serve(ctx context.Context, log *slog.Logger, g prometheus.Gatherer, addresses ...netip.AddrPort) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: maxConnections, Timeout: timeout,
	}))
	var all sync.WaitGroup
	for _, a := range addresses {
		all.Go(func() { serve(ctx, log.With("address", a), mux, a) })
	}
	all.Wait()
}

// serve serves h at an address until ctx ends.
func serve(ctx context.Context, log *slog.Logger, h http.Handler, a netip.AddrPort) {
	l := listen(ctx, log, a)
	if l == nil {
		return
	}
	s := http.Server{
		Handler: h, ReadHeaderTimeout: timeout, ReadTimeout: timeout, WriteTimeout: 2 * timeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(netutil.LimitListener(l, maxConnections)); ctx.Err() == nil {
		log.Error("metrics are not served any more", "err", err)
	}
}

// listen listens at an address, or returns nil if ctx ends before that is possible.
func listen(ctx context.Context, log *slog.Logger, a netip.AddrPort) net.Listener {
	b := backoff.NewExponentialBackOff()
	b.MaxInterval = listenPause
	var c net.ListenConfig
	for said := false; ctx.Err() == nil; {
		l, err := c.Listen(ctx, "tcp", a.String())
		if err == nil {
			return l
		}
		if !said {
			log.Warn("metrics are not served yet", "err", err)
			said = true
		}
		_ = neco.SleepContext(ctx, b.NextBackOff())
	}
	return nil
}
