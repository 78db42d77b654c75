package metrics_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/pkg/metrics"
	"github.com/cybozu-go/neco/pkg/retry"
)

// limit is how long a test waits for a fact.
const limit = time.Minute

// request returns the status and the body of the response to a request.
func request(ctx context.Context, method, url string, header http.Header) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, "", err
	}
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestOnlyMetricsAreServed(t *testing.T) {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "neco_test_total", Help: "x"})
	r.MustRegister(c)
	c.Add(3)
	free, err := loopback.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", free[1]) // another process has the second address
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("not within %s", limit))
	defer cancel()
	var log strings.Builder
	var serving sync.WaitGroup
	serveCtx, stop := context.WithCancel(ctx)
	serving.Go(func() {
		metrics.Serve(serveCtx, slog.New(slog.NewTextHandler(&log, nil)), r, netip.MustParseAddrPort(free[0]), netip.MustParseAddrPort(free[1]))
	})
	good := func(address string) {
		t.Helper()
		err := retry.Until(ctx, func() error {
			code, body, err := request(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
			if err == nil && (code != http.StatusOK || !strings.Contains(body, "neco_test_total 3")) {
				err = fmt.Errorf("%d: %s", code, body)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	good(free[0])
	_ = busy.Close()
	good(free[1])
	for path, want := range map[string]int{"GET /": 404, "GET /debug/pprof/": 404, "POST /metrics": 405, "DELETE /metrics": 405, "GET /metrics/x": 404} {
		method, path, _ := strings.Cut(path, " ")
		if code, _, err := request(ctx, method, "http://"+free[0]+path, nil); err != nil || code != want {
			t.Errorf("%s %s: %d, %v, want %d", method, path, code, err, want)
		}
	}
	if code, _, err := request(ctx, http.MethodGet, "http://"+free[0]+"/metrics", http.Header{"X": {strings.Repeat("x", 64<<10)}}); err == nil && code != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a large header: %d", code)
	}
	stop()
	serving.Wait()
	if n := strings.Count(log.String(), "metrics are not served yet"); n != 1 || !strings.Contains(log.String(), "address="+free[1]) {
		t.Errorf("log: %s", log.String())
	}
	if _, _, err := request(ctx, http.MethodGet, "http://"+free[0]+"/metrics", nil); err == nil {
		t.Error("a server that has ended answers")
	}
}
