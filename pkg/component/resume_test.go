package component_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
)

// probed is a program with a probe.
type probed struct {
	program
	err error
}

func (p probed) Probe(context.Context, component.Host, component.Target) error { return p.err }

func TestAProgramWorksIfItRunsAndItsProbeSucceeds(t *testing.T) {
	h, ch := componenttest.New(t)
	target := componenttest.Target()
	for _, tt := range []struct {
		name   string
		c      component.Component
		before func() error
		want   bool
	}{
		{"it is down", program{"a"}, nil, false},
		{"it runs", program{"a"}, func() error { return h.Start(t.Context(), "serf") }, true},
		{"it runs with files of another release", program{"b"}, nil, true},
		{"it runs and does not work", probed{err: errors.New("sealed")}, nil, false},
		{"it works", probed{}, nil, true},
	} {
		if tt.before != nil {
			if err := tt.before(); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := component.Works(t.Context(), ch, tt.c, target); got != tt.want || err != nil {
			t.Errorf("%s: works %t, %v", tt.name, got, err)
		}
	}
}

// TestAProgramIsResumedAsItIs checks that Resume starts services that are down, and restarts
// no service whose files have changed.
func TestAProgramIsResumedAsItIs(t *testing.T) {
	h, ch := componenttest.New(t)
	for _, want := range [][]string{{"start serf"}, nil} {
		if err := component.Resume(t.Context(), ch, program{"a"}, componenttest.Target()); err != nil {
			t.Fatal(err)
		}
		if did := h.Did(); !slices.Equal(did, want) {
			t.Errorf("did %q, want %q", did, want)
		}
	}
	if a, err := component.ReadApplied(ch.FS, "serf"); a != (component.Applied{}) || err != nil {
		t.Errorf("recorded %+v, %v", a, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	h.Dead("serf")
	if err := component.Resume(ctx, ch, program{"a"}, componenttest.Target()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a program that does not come up: %v", err)
	}
}
