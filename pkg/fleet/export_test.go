package fleet

import (
	"context"
	"net/netip"

	"github.com/cybozu-go/neco/pkg/statesetter"
)

// Choose, Parse and Settled export functions to tests.
var (
	Choose  = choose
	Parse   = parse
	Settled = settled
)

// Read reads the metrics of a machine in a slot.
func Read(o Observer, ctx context.Context, slots chan struct{}, address netip.Addr, names []string) (map[string][]statesetter.Sample, error) {
	s, err := takeSlot(ctx, slots)
	if err != nil {
		return nil, err
	}
	defer s.release()
	return o.metrics(ctx, s, address, names)
}
