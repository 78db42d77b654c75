package component

import (
	"context"
	"fmt"
)

// Works reports whether c works on this host now: its services are active, its container
// runs the image that t requires, and its probe succeeds. It returns false for a component
// without a service whose condition is met.
func Works(ctx context.Context, h Host, c Component, t Target) (bool, error) {
	missing, expected, err := down(ctx, h, c, t)
	if err != nil || missing != "" || !expected {
		return false, err
	}
	p, ok := c.(Prober)
	return !ok || p.Probe(ctx, h, t) == nil, nil
}

// Prepare pulls the image of c if the host lacks it, and checks that there is free space
// for a start of c. The caller calls it before it stops c.
func Prepare(ctx context.Context, h Host, c Component, t Target) error {
	if err := prepare(ctx, h, c, t); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	return nil
}

// Resume starts the services of c that are down, and blocks until c is ready or ctx ends.
// Other than [Apply], it neither restarts a service nor records anything.
func Resume(ctx context.Context, h Host, c Component, t Target) error {
	for _, u := range c.Units() {
		if err := bringUp(ctx, h, u, false); err != nil {
			return fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	if err := awaitReady(ctx, h, c, t, 0); err != nil {
		return fmt.Errorf("%s: %w", c.Name(), err)
	}
	return nil
}
