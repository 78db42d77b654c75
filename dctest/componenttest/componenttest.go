// Package componenttest helps to test components: it provides a component.Target, golden
// files and a fake host that records the calls for its units and containers. It is for
// tests only.
package componenttest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Target returns an example of a [component.Target], which is the state that a
// component is to establish. It is for boot server 1 of three.
func Target() component.Target {
	return component.Target{
		LRN: 1, Members: []int{0, 1, 2}, Version: "2026.11.21-1", Artifacts: Artifacts(), Private: true,
		Facts: component.Facts{OSName: "Debian GNU/Linux", OSVersion: "12", Serial: "abc123"},
	}
}

// Golden compares the files that the component c generates for target with
// testdata/<name>.golden, where name is that of the component. With the flag -update it
// first writes them to that file.
func Golden(t *testing.T, c component.Component, target component.Target) {
	t.Helper()
	files, err := c.Files(target)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "==> %s %o %d:%d\n%s", f.Path, f.Mode, f.UID, f.GID, f.Data)
	}
	golden := filepath.Join("testdata", c.Name()+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v; write it with go test -update", err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

// Host is a fake boot server that records the calls for its units and containers. It
// implements component.Units and component.Containers.
type Host struct {
	mu      sync.Mutex
	did     []string
	active  map[string]bool
	running map[string]bool
	enabled map[string]bool
	dead    map[string]bool
	moved   map[string]bool
	// Tags maps the name of a container to the tag of the image from which it was
	// started.
	Tags map[string]string
	// Fail, if not nil, is called before each action. If it returns an error, the action
	// fails with that error.
	Fail func(act string) error
}

// New returns a Host, and a component.Host that uses this Host and has a temporary
// directory as its file system.
func New(t *testing.T) (*Host, component.Host) {
	t.Helper()
	h := &Host{active: map[string]bool{}, running: map[string]bool{}, enabled: map[string]bool{}, dead: map[string]bool{}, moved: map[string]bool{}}
	return h, component.Host{FS: host.FS{Root: t.TempDir()}, Units: h, Containers: h}
}

// Did returns the actions since the last call of Did, in order.
func (h *Host) Did() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	did := h.did
	h.did = nil
	return did
}

func (h *Host) act(act string, then func()) error {
	if h.Fail != nil {
		if err := h.Fail(act); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.did = append(h.did, act)
	if then != nil {
		then()
	}
	return nil
}

// Start makes the unit active and enabled.
func (h *Host) Start(_ context.Context, name string) error {
	return h.act("start "+name, func() { h.active[name], h.enabled[name] = true, true })
}

// Stop makes the unit inactive.
func (h *Host) Stop(_ context.Context, name string) error {
	return h.act("stop "+name, func() { h.active[name] = false })
}

// Restart makes the unit active and enabled, and ends the effect of [Host.Move].
func (h *Host) Restart(_ context.Context, name string) error {
	return h.act("restart "+name, func() { h.active[name], h.enabled[name], h.moved[name] = true, true, false })
}

// Enable makes the unit enabled.
func (h *Host) Enable(_ context.Context, name string) error {
	return h.act("enable "+name, func() { h.enabled[name] = true })
}

// Disable makes the unit not enabled.
func (h *Host) Disable(_ context.Context, name string) error {
	return h.act("disable "+name, func() { h.enabled[name] = false })
}

// AtBoot reports whether the unit is enabled and so would start at boot.
func (h *Host) AtBoot(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.enabled[name]
}

// StartTimer makes the timer active.
func (h *Host) StartTimer(_ context.Context, name string) error {
	return h.act("start timer "+name, func() { h.active[name+".timer"] = true })
}

// TimerActive reports whether the timer was started.
func (h *Host) TimerActive(_ context.Context, name string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active[name+".timer"], nil
}

// IsActive reports whether the unit was started and neither stopped nor passed to Dead or
// Kill.
func (h *Host) IsActive(_ context.Context, name string) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active[name] && !h.dead[name], nil
}

// Describe returns an example of a description of an active or inactive unit.
func (h *Host) Describe(ctx context.Context, name string) string {
	if active, _ := h.IsActive(ctx, name); active {
		return name + ".service: active"
	}
	return name + ".service: inactive; docker: no such image"
}

// Dead makes IsActive report the unit called name as inactive from now on, even after
// Start or Restart.
func (h *Host) Dead(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dead[name] = true
}

// Kill makes the unit inactive until it is started again.
func (h *Host) Kill(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.active[name] = false
}

// Pull only records the call.
func (h *Host) Pull(_ context.Context, img neco.ContainerImage) error {
	return h.act("pull "+img.Name, nil)
}

// Tarball writes the full name of the image to w. It implements component.Containers.
func (h *Host) Tarball(_ context.Context, img neco.ContainerImage, w io.Writer) error {
	if err := h.act("fetch "+img.Name, nil); err != nil {
		return err
	}
	_, err := io.WriteString(w, h.FullName(img))
	return err
}

// TarballSize returns the number of bytes that Tarball writes.
func (h *Host) TarballSize(_ context.Context, img neco.ContainerImage) (int64, error) {
	return int64(len(h.FullName(img))), nil
}

// FullName returns the full name of the image on a host outside of a test data centre.
func (h *Host) FullName(img neco.ContainerImage) string { return img.FullName(true) }

// Running reports whether the image's name begins with the name of an active unit.
func (h *Host) Running(_ context.Context, img neco.ContainerImage) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, active := range h.active {
		if active && strings.HasPrefix(img.Name, name) {
			return true, nil
		}
	}
	return false, nil
}

// Version returns Tags[name] if the unit called name is active, and "" otherwise.
func (h *Host) Version(_ context.Context, name string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.active[name] {
		return "", nil
	}
	return h.Tags[name], nil
}

// Move simulates that the tag of the unit's image was moved to another image. A restart
// of the unit ends that.
func (h *Host) Move(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moved[name] = true
}

// Outdated reports whether the unit is active and was passed to Move.
func (h *Host) Outdated(_ context.Context, name string, _ neco.ContainerImage) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active[name] && h.moved[name]
}

// Present reports whether the image is present. It is, unless Fail returns an error for
// "present <name>".
func (h *Host) Present(_ context.Context, img neco.ContainerImage) bool {
	return h.Fail == nil || h.Fail("present "+img.Name) == nil
}

// RunInstallTools only records the call.
func (h *Host) RunInstallTools(_ context.Context, img neco.ContainerImage, _ string) error {
	return h.act("install tools of "+img.Name, nil)
}
