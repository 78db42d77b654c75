package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// Alarms returns what follows from the alerts of Alertmanager that are active and neither silenced
// nor inhibited. It blocks until Alertmanager has answered, at most ten seconds, or until ctx ends.
// With an error, there are no alarms.
func (o Observer) Alarms(ctx context.Context, c statesetter.Config) (statesetter.Alarms, error) {
	if c.Alerts == nil {
		return statesetter.Alarms{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %s", Timeout))
	defer cancel()
	base, err := url.Parse(c.Alerts.Endpoint)
	if err != nil {
		return statesetter.Alarms{}, err
	}
	at := base.JoinPath("api/v2/alerts")
	at.RawQuery = url.Values{"active": {"true"}, "silenced": {"false"}, "inhibited": {"false"}, "unprocessed": {"false"}}.Encode()
	u := at.String()
	data, err := o.get(ctx, u)
	switch {
	case ctx.Err() != nil:
		return statesetter.Alarms{}, fmt.Errorf("GET %s: %w", u, context.Cause(ctx))
	case err != nil:
		return statesetter.Alarms{}, fmt.Errorf("GET %s: %w", u, err)
	}
	var alerts []struct {
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(data, &alerts); err != nil {
		return statesetter.Alarms{}, fmt.Errorf("GET %s: the response is not a list of alerts: %w", u, err)
	}
	var labels []map[string]string
	for _, a := range alerts {
		labels = append(labels, a.Labels)
	}
	return c.Alarms(labels), nil
}

// get returns the response to a request, of at most maxAlerts bytes.
func (o Observer) get(ctx context.Context, url string) ([]byte, error) {
	res, err := o.open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAlerts+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxAlerts:
		return nil, fmt.Errorf("more than %d MiB", maxAlerts>>20)
	}
	return data, nil
}
