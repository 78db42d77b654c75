package fleet

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Recall returns what the last round has left in etcd. An error may be a [storage.MalformedKey].
func Recall(f storage.Fleet) (statesetter.Memory, error) {
	var m statesetter.Memory
	if err := f.Decode(storage.FleetRounds, &m); err != nil {
		return statesetter.Memory{}, err
	}
	if err := f.Decode(storage.FleetBad, &m.Bad); err != nil {
		return statesetter.Memory{}, err
	}
	return m, nil
}

// Record returns what a round leaves in etcd: m for the next leader, and r for operators.
func Record(m statesetter.Memory, r statesetter.Report) (storage.Fleet, error) {
	bad, err := json.Marshal(m.Bad)
	if err != nil {
		return nil, err
	}
	m.Bad = nil
	rounds, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	report, err := json.Marshal(r)
	return storage.Fleet{storage.FleetBad: bad, storage.FleetRounds: rounds, storage.FleetReport: report}, err
}

// remembered returns what is in etcd, and what it says about the rounds of this leader or of an
// earlier one. If that cannot be read, all machines that are retiring now need an approval: some may
// have needed one.
func (l *leader) remembered(ctx context.Context, all []statesetter.Judgement) (storage.Fleet, statesetter.Memory, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	f, err := l.store.Fleet(ctx)
	if err != nil {
		return nil, statesetter.Memory{}, err
	}
	m, err := Recall(f)
	if bad := (storage.MalformedKey{}); errors.As(err, &bad) {
		l.Log.Warn("forgets earlier rounds: grace periods start now, and retiring machines need an approval", "err", err)
		m := statesetter.Memory{Held: map[string]bool{}}
		for _, j := range all {
			m.Held[j.Machine.Spec.Serial] = j.Machine.Status.State == sabakan.Retiring
		}
		return f, m, nil
	}
	return f, m, err
}

// remember writes what this round leaves, if it differs from before.
func (l *leader) remember(ctx context.Context, before storage.Fleet, m statesetter.Memory, r statesetter.Report) error {
	after, err := Record(m, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.store.PutFleet(ctx, l.guard, before, after)
}
