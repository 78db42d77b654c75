package fleet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

const (
	// maxMetrics is the maximum size of the metrics of a machine in bytes. Those of monitor-hw have
	// some 100 KiB. maxLine is that of one of their lines.
	maxMetrics = 4 << 20
	maxLine    = 64 << 10
	// maxAlerts is the maximum size of the alerts of all machines in bytes.
	maxAlerts = 32 << 20
)

// metrics reads the metrics with the given names of the machine with this address. The machine has
// o.Timeout until its answer begins, and again until it ends; the time in which its answer waits for
// the slot s does not count. Errors name no address, so that they are the same for many machines.
func (o Observer) metrics(ctx context.Context, s *slot, address netip.Addr, names []string) (map[string][]statesetter.Sample, error) {
	reading, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(o.Timeout, func() { cancel(fmt.Errorf("no answer within %s", o.Timeout)) })
	defer timer.Stop()
	families, err := o.families(reading, o.MetricsURL(address), names, func() error {
		timer.Stop()
		err := s.resume(ctx)
		timer.Reset(o.Timeout)
		return err
	})
	switch {
	case reading.Err() != nil:
		return nil, context.Cause(reading)
	case err != nil:
		return nil, err
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

// families reads the metrics with the given names. It calls answers before it reads the answer.
func (o Observer) families(ctx context.Context, url string, names []string, answers func() error) (map[string]*dto.MetricFamily, error) {
	res, err := o.open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if err := answers(); err != nil {
		return nil, err
	}
	data, err := choose(res.Body, names)
	if err != nil {
		return nil, withoutAddress(err)
	}
	families, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("the response is not metrics: %w", err)
	}
	return families, nil
}

// withoutAddress returns the cause of an error of a connection, which names the addresses and
// ports of both ends.
func withoutAddress(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err
	}
	return err
}

// lineBuffers are buffers of maxLine bytes: several thousand machines are read in a minute.
var lineBuffers = sync.Pool{New: func() any { return new([maxLine]byte) }}

// choose reads metrics, and returns the lines about those with the given names. The library needs a
// hundred times longer to decode all of them. Without such a line, it returns the first line, so
// that the library says whether it is one of metrics.
func choose(r io.Reader, names []string) ([]byte, error) {
	buffer := lineBuffers.Get().(*[maxLine]byte)
	defer lineBuffers.Put(buffer)
	limited := &io.LimitedReader{R: r, N: maxMetrics + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(buffer[:], maxLine)
	var chosen, first []byte
	for lines.Scan() {
		line := lines.Bytes()
		if first == nil {
			first = append([]byte{}, line...)
		}
		if isAbout(line, names) {
			chosen = append(append(chosen, line...), '\n')
		}
	}
	switch err := lines.Err(); {
	case limited.N == 0:
		return nil, fmt.Errorf("more than %d MiB", maxMetrics>>20)
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("the response is not metrics: a line has more than %d KiB", maxLine>>10)
	case err != nil:
		return nil, err
	case chosen == nil:
		return append(first, '\n'), nil
	}
	return chosen, nil
}

// isAbout reports whether a line of metrics is a series or the type of one of the metrics. A line
// in the newer format has the name in braces.
func isAbout(line []byte, names []string) bool {
	line = bytes.TrimLeft(line, " \t")
	if rest, ok := bytes.CutPrefix(line, []byte("# TYPE ")); ok {
		line = rest
	}
	for _, name := range names {
		if len(line) > 0 && line[0] == '{' && bytes.Contains(line, []byte(name)) {
			return true
		}
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok && (len(rest) == 0 || bytes.IndexByte([]byte("{ \t"), rest[0]) >= 0) {
			return true
		}
	}
	return false
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

// open sends a request. The caller closes the body of the response, whose status is good. Errors
// name neither the URL nor the address.
func (o Observer) open(ctx context.Context, at string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	res, err := o.Metrics.Do(req)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		return nil, withoutAddress(failed.Err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("status %d (%s)", res.StatusCode, http.StatusText(res.StatusCode))
	}
	return res, nil
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
