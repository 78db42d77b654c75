package component_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

// program is a component whose file can change.
type program struct{ text string }

func (program) Name() string  { return "serf" }
func (program) Image() string { return "serf" }
func (program) Tools() string { return "/host" }
func (program) Units() []component.Unit {
	return []component.Unit{{Name: "serf"}, {Name: "optional", Condition: "/etc/optional"}}
}

func (p program) Files(component.Target) ([]host.File, error) {
	return []host.File{{Path: "/etc/serf/serf.json", Data: []byte(p.text), Mode: 0o644}}, nil
}

func converge(t *testing.T, h component.Host, c component.Component, target component.Target) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := component.Converge(ctx, h, c, target)
	return err
}

func TestConverge(t *testing.T) {
	h, ch := componenttest.New(t)
	target := componenttest.Target()
	newer := target
	newer.Artifacts.Images = append([]neco.ContainerImage{{Name: "serf", Repository: "quay.io/cybozu/serf", Tag: "9"}}, newer.Artifacts.Images...)
	all := []string{"pull serf", "restart serf", "restart optional"}
	steps := []struct {
		name   string
		c      program
		target component.Target
		before func()
		want   []string
		why    string
	}{
		{"installs and restarts what is new", program{"a"}, target, nil, append([]string{"install tools of serf"}, all...), "no record of an earlier start"},
		{"does nothing where nothing differs", program{"a"}, target, nil, nil, ""},
		{"restarts where a file differs", program{"b"}, target, nil, all, "its configuration"},
		{"restarts where the image differs", program{"b"}, newer, nil, append([]string{"install tools of serf"}, all...), "image quay.io/cybozu/serf:9 in place of quay.io/cybozu/serf:0.9.7.1"},
		{"restarts where the name of the image means another one", program{"b"}, newer, func() { h.Move("serf") }, all, "another image with the name quay.io/cybozu/serf:9"},
		{"starts what is down", program{"b"}, newer, func() { h.Kill("serf") }, []string{"pull serf", "start serf"}, ""},
	}
	for _, s := range steps {
		if s.before != nil {
			s.before()
		}
		changes, err := component.Changes(t.Context(), ch, s.c, s.target)
		if err != nil || strings.Join(changes, ", ") != s.why {
			t.Errorf("%s: changes %q, %v; want %q", s.name, changes, err, s.why)
		}
		if err := converge(t, ch, s.c, s.target); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if diff := cmp.Diff(s.want, h.Did()); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
}

func TestARestartThatFailsIsDoneAgain(t *testing.T) {
	h, ch := componenttest.New(t)
	h.Fail = func(act string) error {
		if act == "restart serf" {
			return errors.New("job failed")
		}
		return nil
	}
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err == nil || err.Error() != "serf: job failed" {
		t.Errorf("error %v", err)
	}
	h.Fail = nil
	h.Did()
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	// The commands were installed by the interrupted run, but the restart was not
	// recorded: it is done now.
	if diff := cmp.Diff([]string{"pull serf", "restart serf", "restart optional"}, h.Did()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDoesNotBecomeReadyIsNamed(t *testing.T) {
	h, ch := componenttest.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	ch.Units = neverUp{h}
	_, err := component.Converge(ctx, ch, program{"a"}, componenttest.Target())
	if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "serf: wait for serf.service: context deadline exceeded" {
		t.Errorf("error %v", err)
	}
}

// neverUp is a systemd whose units never become active.
type neverUp struct{ *componenttest.Host }

func (neverUp) IsActive(context.Context, string) (bool, error) { return false, nil }

// daemon is a component without a container and without a probe.
type daemon struct{}

func (daemon) Name() string                                { return "etcdpasswd" }
func (daemon) Units() []component.Unit                     { return []component.Unit{{Name: "etcdpasswd"}} }
func (daemon) Files(component.Target) ([]host.File, error) { return nil, nil }

// TestAProgramThatEndsAfterItsStartIsNotReady checks that a restart whose process exists at
// first, but ends soon, is not recorded as done.
func TestAProgramThatEndsAfterItsStartIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ch := componenttest.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		time.AfterFunc(500*time.Millisecond, func() { h.Kill("etcdpasswd") })
		_, err := component.Converge(ctx, ch, daemon{}, componenttest.Target())
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "etcdpasswd: wait for etcdpasswd.service: ") {
			t.Errorf("error %v", err)
		}
		if a, err := component.ReadApplied(ch.FS, "etcdpasswd"); err != nil || a != (component.Applied{}) {
			t.Errorf("recorded %v, %v", a, err)
		}
		began := time.Now()
		if _, err := component.Converge(t.Context(), ch, daemon{}, componenttest.Target()); err != nil || time.Since(began) < time.Second {
			t.Errorf("a program that stays active: %v after %s", err, time.Since(began))
		}
		began = time.Now()
		if _, err := component.Converge(t.Context(), ch, daemon{}, componenttest.Target()); err != nil || time.Since(began) > 0 {
			t.Errorf("a program that was not restarted: %v after %s", err, time.Since(began))
		}
	})
}

// TestNothingIsRestartedWithoutItsImage checks that a missing image is pulled before
// the running program is stopped, and that the program keeps running if the pull fails.
func TestNothingIsRestartedWithoutItsImage(t *testing.T) {
	h, ch := componenttest.New(t)
	if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	h.Did()
	h.Fail = func(act string) error {
		if act == "pull serf" {
			return errors.New("registry is down")
		}
		return nil
	}
	if err := converge(t, ch, program{"b"}, componenttest.Target()); err == nil || err.Error() != "serf: registry is down" {
		t.Errorf("error %v", err)
	}
	if did := h.Did(); len(did) > 0 {
		t.Errorf("did %v", did)
	}
}

// TestAWaitTellsTheStateOfTheUnit also checks that the error of a wait which has timed
// out ends with the state of the unit.
func TestAWaitTellsTheStateOfTheUnit(t *testing.T) {
	h, ch := componenttest.New(t)
	var told []string
	ch.Progress = func(text string) { told = append(told, text) }
	h.Dead("serf")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := component.Converge(ctx, ch, program{"a"}, componenttest.Target())
	const state = "serf.service: inactive; docker: no such image"
	if err == nil || !strings.HasSuffix(err.Error(), state+"; optional.service: active") {
		t.Errorf("error %v", err)
	}
	if !slices.Contains(told, "waiting for serf.service: "+state+"; optional.service: active") {
		t.Errorf("told %q", told)
	}
}

// brokenSince is a systemd whose units fail to start after a restart.
type brokenSince struct {
	*componenttest.Host
	broken bool
	err    error
}

func (b *brokenSince) Restart(ctx context.Context, name string) error {
	b.broken = true
	return b.Host.Restart(ctx, name)
}

func (b *brokenSince) IsActive(ctx context.Context, name string) (bool, error) {
	if b.broken {
		return false, b.err
	}
	return b.Host.IsActive(ctx, name)
}

func TestAProgramThatDoesNotComeUpOnASoundHostIsAtFault(t *testing.T) {
	for name, tt := range map[string]struct {
		before func(*testing.T, *componenttest.Host, component.Host)
		err    error
		want   bool
	}{
		"it ran before":           {nil, nil, true},
		"it was down before":      {func(_ *testing.T, h *componenttest.Host, _ component.Host) { h.Kill("serf") }, nil, false},
		"systemd does not answer": {nil, errors.New("no bus"), false},
		"its image is gone": {func(_ *testing.T, h *componenttest.Host, _ component.Host) {
			h.Fail = func(act string) error {
				if act == "present serf" {
					return errors.New("no such image")
				}
				return nil
			}
		}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, ch := componenttest.New(t)
			if err := converge(t, ch, program{"a"}, componenttest.Target()); err != nil {
				t.Fatal(err)
			}
			if tt.before != nil {
				tt.before(t, h, ch)
			}
			ch.Units = &brokenSince{Host: h, err: tt.err}
			err := converge(t, ch, program{"b"}, componenttest.Target())
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, component.ErrNotReady) != tt.want {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestNothingIsRestartedWithoutSpace uses /proc, a file system without free space.
func TestNothingIsRestartedWithoutSpace(t *testing.T) {
	h, ch := componenttest.New(t)
	s := store{program{"a"}, func() error { return nil }}
	if err := converge(t, ch, s, componenttest.Target()); err != nil {
		t.Fatal(err)
	}
	h.Did()
	dir := ch.FS.Path(neco.SabakanDataDir)
	if err := errors.Join(os.Remove(dir), os.Symlink("/proc", dir)); err != nil {
		t.Fatal(err)
	}
	s.text = "b"
	_, err := component.Apply(t.Context(), ch, s, componenttest.Target())
	if err == nil || !strings.Contains(err.Error(), "DiskFull: /var/lib/sabakan has 0 MiB left") {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff([]string{"pull serf"}, h.Did()); diff != "" {
		t.Error(diff)
	}
}
