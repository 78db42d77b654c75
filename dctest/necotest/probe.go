package necotest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Probe asks a service again and again, on a server.
type Probe struct{ *Program }

// Gaps is what a probe found.
type Gaps struct {
	Answers int           `json:"answers"`
	Longest time.Duration `json:"longest"`
	// Worst is how many members of etcd were down at once at most.
	Worst int `json:"worst"`
}

// StartProbe starts to probe etcd or vault from a server that has the program
// probe.
func (l *Lab) StartProbe(ctx context.Context, server, service string) (*Probe, error) {
	p, err := l.StartProgram(ctx, server, "probe", service)
	return &Probe{p}, err
}

// Stop ends the probe and returns what it found.
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
