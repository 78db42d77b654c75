package component

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/sysdbus"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
)

// toolsDir is the directory with one file for each component. The file contains the
// name of the image from which the component's commands were last installed.
const toolsDir = "/var/lib/neco/tools"

// readyPoll is the interval of readiness checks. They are needed because systemd sends no
// event when a container is up.
const readyPoll = 100 * time.Millisecond

// Converge calls Write and then Apply, and reports whether Apply restarted the component.
func Converge(ctx context.Context, h Host, c Component, t Target) (restarted bool, err error) {
	if _, err := Write(ctx, h, c, t); err != nil {
		return false, err
	}
	return Apply(ctx, h, c, t)
}

// Write creates the component's directories, installs its commands, writes its files, and
// reports whether a file changed. It restarts nothing. If the host starts no version of a
// [Versioned] component yet, Write switches to the one in the package.
func Write(ctx context.Context, h Host, c Component, t Target) (changed bool, err error) {
	files, err := c.Files(t)
	if err != nil {
		return false, fmt.Errorf("render %s: %w", c.Name(), err)
	}
	if err := makeDirectories(h, c); err != nil {
		return false, fmt.Errorf("write %s: %w", c.Name(), err)
	}
	if err := installTools(ctx, h, c, t); err != nil {
		return false, err
	}
	if err := switchFirst(h, c); err != nil {
		return false, fmt.Errorf("install %s: %w", c.Name(), err)
	}
	for _, f := range files {
		wrote, err := h.FS.Write(f)
		if err != nil {
			return changed, fmt.Errorf("write %s: %w", c.Name(), err)
		}
		changed = changed || wrote
	}
	return changed, nil
}

// installTools copies the commands in the image of c to the host, unless the commands
// of an image with the same name are already installed.
func installTools(ctx context.Context, h Host, c Component, t Target) error {
	tooled, ok := c.(Tooled)
	if !ok {
		return nil
	}
	img, _, err := image(c, t)
	if err != nil {
		return err
	}
	full := h.Containers.FullName(img)
	if was, err := ToolsImage(h.FS, c.Name()); err == nil && was == full {
		return nil
	}
	if err := h.Containers.RunInstallTools(ctx, img, tooled.Tools()); err != nil {
		return fmt.Errorf("install the commands of %s: %w", c.Name(), err)
	}
	_, err = h.FS.Write(host.File{Path: path.Join(toolsDir, c.Name()), Data: []byte(full), Mode: 0o644})
	return err
}

// ToolsImage returns the full name of the image from which the commands of the component
// called name were installed, or "" if they were not installed.
func ToolsImage(fsys host.FS, name string) (string, error) {
	data, err := fsys.Read(path.Join(toolsDir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// Changes returns the reasons why Apply would restart c, as phrases for operators. It
// returns nil if c already runs with the image and the files that t requires.
func Changes(ctx context.Context, h Host, c Component, t Target) ([]string, error) {
	want, err := declared(h, c, t)
	if err != nil {
		return nil, err
	}
	was, err := ReadApplied(h.FS, c.Name())
	if err != nil {
		return nil, err
	}
	if changes := was.changes(want); len(changes) > 0 {
		return changes, nil
	}
	if v, ok := c.(Versioned); ok {
		// A neco init-local of an earlier Neco has recorded a version that it did not start.
		current, packaged, err := v.Versions(h.FS)
		if err != nil {
			return nil, err
		}
		if current != "" && packaged != "" && current != packaged {
			return []string{otherVersion(packaged, current)}, nil
		}
	}
	img, ok, err := image(c, t)
	if err != nil || !ok {
		return nil, err
	}
	for _, u := range c.Units() {
		outdated := func(name string) bool { return h.Containers.Outdated(ctx, name, img) }
		if !u.Timer && slices.ContainsFunc(program.ContainerNames(u.Name), outdated) {
			return []string{"another image with the name " + want.Image}, nil
		}
	}
	return nil, nil
}

// Apply restarts the units of c if [Changes] returns a reason, and otherwise starts the
// units that are down. It waits until all are ready and then records the image and
// files with which they run. The caller must repeat it if it fails or is interrupted.
func Apply(ctx context.Context, h Host, c Component, t Target) (restarted bool, err error) {
	want, err := declared(h, c, t)
	if err != nil {
		return false, err
	}
	changes, err := Changes(ctx, h, c, t)
	if err != nil {
		return false, err
	}
	stale, wasDown := len(changes) > 0, anyDown(ctx, h, c)
	if stale || wasDown {
		if err := prepare(ctx, h, c, t); err != nil {
			return false, fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	if stale {
		h.report("restarting %s: %s", c.Name(), strings.Join(changes, ", "))
		if err := switchVersion(h, c); err != nil {
			return false, fmt.Errorf("install %s: %w", c.Name(), err)
		}
	}
	for _, u := range c.Units() {
		if err := bringUp(ctx, h, u, stale); err != nil {
			return false, fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	if err := awaitReady(ctx, h, c, t, steadiness(c, stale || wasDown)); err != nil {
		if stale && !wasDown && failsItself(ctx, h, c, t) {
			err = fmt.Errorf("%w: %w", ErrNotReady, err)
		}
		return false, fmt.Errorf("%s: %w", c.Name(), err)
	}
	return stale, writeApplied(h.FS, c.Name(), want)
}

// anyDown reports whether a service of c is inactive or its state is unknown. It ignores
// services whose condition is not met.
func anyDown(ctx context.Context, h Host, c Component) bool {
	return slices.ContainsFunc(c.Units(), func(u Unit) bool {
		if u.Timer || u.Condition != "" && !exists(h.FS, u.Condition) {
			return false
		}
		active, err := h.Units.IsActive(ctx, u.Name)
		return err != nil || !active
	})
}

// restartSpace is the free space in bytes that a restart requires, because a starting
// program writes its log and its data. With less space, Apply fails and leaves the
// program running.
const restartSpace = 64 << 20

// prepare pulls the image of c and checks that there is free space for a start, before
// any unit is stopped.
func prepare(ctx context.Context, h Host, c Component, t Target) error {
	if err := Pull(ctx, h, c, t); err != nil {
		return err
	}
	all, err := directories(c)
	if err != nil {
		return err
	}
	for _, d := range all {
		free, err := h.FS.Free(d.Path)
		if err == nil && free < restartSpace {
			err = fmt.Errorf("DiskFull: %s has %d MiB left, and a restart needs %d MiB; free some space", d.Path, free>>20, restartSpace>>20)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Pull pulls the image of c, if c has one and this host does not.
func Pull(ctx context.Context, h Host, c Component, t Target) error {
	img, ok, err := image(c, t)
	if err != nil || !ok {
		return err
	}
	h.report("image %s", h.Containers.FullName(img))
	defer h.report("")
	return h.Containers.Pull(ctx, img)
}

// bringUp restarts the service u if stale is true, and otherwise starts it if it is down.
// The start of a timer makes systemd read its changed file.
func bringUp(ctx context.Context, h Host, u Unit, stale bool) error {
	if u.Timer {
		if active, err := h.Units.TimerActive(ctx, u.Name); !stale && active && err == nil {
			return nil
		}
		return h.Units.StartTimer(ctx, u.Name)
	}
	if stale {
		return h.Units.Restart(ctx, u.Name)
	}
	if u.Condition != "" && !exists(h.FS, u.Condition) {
		return nil // systemd would not start it
	}
	active, err := h.Units.IsActive(ctx, u.Name)
	if err != nil || active {
		return err
	}
	return h.Units.Start(ctx, u.Name)
}

// steadyTime is how long a program without a container or a probe must stay active after a
// start. systemd reports a service of Type=simple as active as soon as its process exists,
// but a program that rejects its configuration ends within this time.
const steadyTime = time.Second

// steadiness returns how long c must be ready without interruption before it counts as
// ready. started is true if a service of c was started just now.
func steadiness(c Component, started bool) time.Duration {
	_, imaged := c.(Imaged)
	_, probed := c.(Prober)
	services := slices.ContainsFunc(c.Units(), func(u Unit) bool { return !u.Timer })
	if !started || imaged || probed || !services {
		return 0
	}
	return steadyTime
}

// awaitReady waits until the services of c whose condition is met are active, the container
// of c runs the image that t requires, and the probe of c succeeds, in all checks for the
// time steady. When ctx ends first, the error names the unit, image or probe that was not ready
// at the last unsuccessful check.
func awaitReady(ctx context.Context, h Host, c Component, t Target, steady time.Duration) error {
	ctx, done := sysdbus.Share(ctx)
	defer done()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	describe := time.Now().Add(describeEvery)
	state, since := "", time.Now()
	last := c.Name() + " to stay active"
	for {
		missing, err := notReady(ctx, h, c, t)
		now := time.Now()
		ready := err == nil && missing == ""
		if ready && now.Sub(since) >= steady {
			h.report("")
			return nil
		}
		if !ready {
			last, since = missing, now
		}
		if !ready && now.After(describe) {
			describe = now.Add(describeEvery)
			state = describeAll(ctx, h, c, err)
			h.report("waiting for %s: %s", missing, state)
		}
		select {
		case <-ctx.Done():
			return notReadyError(last, state, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// describeEvery is the interval at which awaitReady reports the state of units that are not
// ready.
const describeEvery = 2 * time.Second

// describeAll returns the reason why c is not ready: err if it is not nil, or else the
// state of the units of c.
func describeAll(ctx context.Context, h Host, c Component, err error) string {
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, u := range c.Units() {
		if !u.Timer {
			all = append(all, h.Units.Describe(ctx, u.Name))
		}
	}
	return strings.Join(all, "; ")
}

// notReadyError returns the error for the end of a wait for the unit or container
// missing. The error ends with the likely cause: err, or else the state of the units.
func notReadyError(missing, state string, end, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("wait for %s: %w: %w", missing, end, err)
	case state != "":
		return fmt.Errorf("wait for %s: %w: %s", missing, end, state)
	}
	return fmt.Errorf("wait for %s: %w", missing, end)
}

// notReady returns the name of a unit or container that is not up or does not work yet,
// or "" if c is ready.
func notReady(ctx context.Context, h Host, c Component, t Target) (string, error) {
	missing, expected, err := down(ctx, h, c, t)
	if missing != "" || err != nil || !expected {
		return missing, err
	}
	if p, ok := c.(Prober); ok {
		if err := p.Probe(ctx, h, t); err != nil {
			return c.Name() + " to work", err
		}
	}
	return "", nil
}

// down returns the name of a unit or container of c that is not up, or "" if all are
// up. expected is false if c has no service whose condition is met on this host.
func down(ctx context.Context, h Host, c Component, t Target) (missing string, expected bool, err error) {
	for _, u := range c.Units() {
		if u.Timer || u.Condition != "" && !exists(h.FS, u.Condition) {
			continue
		}
		expected = true
		if active, err := h.Units.IsActive(ctx, u.Name); err != nil || !active {
			return u.Name + ".service", true, err
		}
	}
	if !expected {
		return "", false, nil
	}
	img, ok, err := image(c, t)
	if err != nil || !ok {
		return "", true, err
	}
	if running, err := h.Containers.Running(ctx, img); err != nil || !running {
		return "container of " + h.Containers.FullName(img), true, err
	}
	return "", true, nil
}

func exists(fsys host.FS, p string) bool {
	_, err := fsys.Read(p)
	return err == nil
}

// digest returns the hash of the image name of c, of those parts of its files whose change
// requires a restart, and of the package's files that it uses.
func digest(h Host, c Component, t Target) (string, error) {
	files, err := c.Files(t)
	if err != nil {
		return "", fmt.Errorf("render %s: %w", c.Name(), err)
	}
	img, ok, err := image(c, t)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if ok {
		fmt.Fprintf(sum, "image %q\n", h.Containers.FullName(img))
	}
	for _, f := range files {
		data := effective(c, f)
		fmt.Fprintf(sum, "file %q %o %d %d %d\n%s", f.Path, f.Mode, f.UID, f.GID, len(data), data)
	}
	if err := sumPackageFiles(sum, h.FS, c); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
