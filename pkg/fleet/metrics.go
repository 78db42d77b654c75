package fleet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// maxMetrics is the maximum size of the metrics of a machine in bytes. Those of monitor-hw have
	// some 100 KiB.
	maxMetrics = 4 << 20
	// maxAlerts is the same for the alerts of all machines.
	maxAlerts = 32 << 20
)

// metrics reads the metrics with the given names of the machine with this address.
func (o Observer) metrics(ctx context.Context, address netip.Addr, names []string) (map[string][]statesetter.Sample, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, fmt.Errorf("no answer within %s", o.Timeout))
	defer cancel()
	url := o.MetricsURL(address)
	data, err := o.get(ctx, url, maxMetrics)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("GET %s: %w", url, context.Cause(ctx))
	case err != nil:
		return nil, err // it names the URL
	}
	families, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("GET %s: the response is not metrics: %w", url, err)
	}
	all := map[string][]statesetter.Sample{}
	for _, name := range names {
		for _, m := range families[name].GetMetric() {
			if value, ok := valueOf(m); ok {
				all[name] = append(all[name], statesetter.Sample{Labels: labelsOf(m), Value: value})
			}
		}
	}
	return all, nil
}

// parse decodes metrics in the text format of Prometheus. The decoder panics with some inputs that
// are no metrics: one machine must not end the program of all boot servers.
func parse(data []byte) (families map[string]*dto.MetricFamily, err error) {
	defer func() {
		if r := recover(); r != nil {
			families, err = nil, fmt.Errorf("the decoder cannot read it: %v", r)
		}
	}()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	return parser.TextToMetricFamilies(bytes.NewReader(data))
}

// get returns the response to a request, of at most limit bytes.
func (o Observer) get(ctx context.Context, url string, limit int) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := o.Metrics.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: status %d", url, res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("GET %s: %w", url, err)
	case len(data) > limit:
		return nil, fmt.Errorf("GET %s: more than %d MiB", url, limit>>20)
	}
	return data, nil
}

// valueOf returns the value of a series that has one, not many.
func valueOf(m *dto.Metric) (float64, bool) {
	switch {
	case m.Gauge != nil:
		return m.Gauge.GetValue(), true
	case m.Counter != nil:
		return m.Counter.GetValue(), true
	case m.Untyped != nil:
		return m.Untyped.GetValue(), true
	}
	return 0, false
}

func labelsOf(m *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	return labels
}
