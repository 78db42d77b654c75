package component

import (
	"context"
	"errors"
	"time"
)

// ErrNotReady is returned if a component that worked before does not come up in its new
// version although its host is sound: the new version is at fault.
var ErrNotReady = errors.New("the previous version worked on this host, which is healthy")

// Limits of a sound host: it answers within soundTimeout and has minFree bytes of free
// space.
const (
	soundTimeout = 10 * time.Second
	minFree      = 64 << 20
)

// failsItself reports whether a unit or the container of c is down although systemd and
// Docker answer, the image is present and the disk is not full. It returns false for a
// component that is up but does not work, because a dependency on other boot servers
// may be missing.
func failsItself(ctx context.Context, h Host, c Component, t Target) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), soundTimeout)
	defer cancel()
	if free, err := h.FS.Free("/"); err != nil || free < minFree {
		return false
	}
	img, ok, err := image(c, t)
	if err != nil || ok && !h.Containers.Present(ctx, img) {
		return false
	}
	missing, _, err := down(ctx, h, c, t)
	return err == nil && missing != ""
}
