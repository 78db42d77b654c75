package component

import (
	"context"
	"errors"
	"time"
)

// ErrNotReady reports that the new version of a component does not come up although the
// previous one worked and the host is healthy. It blames the new version.
var ErrNotReady = errors.New("the previous version worked on this host, which is healthy")

// soundTimeout and minFree define a healthy host: systemd and Docker answer within
// soundTimeout, and at least minFree bytes of space are free.
const (
	soundTimeout = 10 * time.Second
	minFree      = 64 << 20
)

// failsItself reports whether the new version of c causes c to be down: systemd and
// Docker answer, the image is present and the disk is not full. It returns false if c
// is up but does not work, because other boot servers may be the cause.
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
