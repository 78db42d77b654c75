package necotest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Probe is a program on a server that sends requests to a service all the time and
// measures how long they fail.
type Probe struct{ *Program }

// Gaps is the result of a probe: how many requests succeeded, the longest time in which
// none succeeded, and, for etcd only, how many etcd members were down at once.
type Gaps struct {
	Answers int           `json:"answers"`
	Longest time.Duration `json:"longest"`
	// Worst is the largest number of members of etcd that were down at the same time.
	Worst int `json:"worst"`
}

// StartProbe starts a probe of service, which is etcd or vault, on a server. The
// program probe must have been copied there by [Lab.Build].
func (l *Lab) StartProbe(ctx context.Context, server, service string) (*Probe, error) {
	p, err := l.StartProgram(ctx, server, "probe", service)
	return &Probe{p}, err
}

// Stop ends the probe and returns what it has measured.
func (p *Probe) Stop() (Gaps, error) {
	var g Gaps
	out, err := p.Program.Stop()
	if err != nil {
		return g, err
	}
	if err := json.Unmarshal([]byte(out), &g); err != nil {
		return g, fmt.Errorf("probe: %w", err)
	}
	return g, nil
}
