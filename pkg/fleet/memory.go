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

// Record returns what a round leaves in etcd for the next leader.
func Record(m statesetter.Memory) (storage.Fleet, error) {
	bad, err := json.Marshal(m.Bad)
	if err != nil {
		return nil, err
	}
	m.Bad = nil
	rounds, err := json.Marshal(m)
	return storage.Fleet{storage.FleetBad: bad, storage.FleetRounds: rounds}, err
}

// remembered returns what is in etcd, and what it says about the rounds of this leader or of an
// earlier one. If that is missing or cannot be read, all machines that are retiring now need an
// approval: some may have needed one.
func (l *leader) remembered(ctx context.Context, all []statesetter.Judgement) (storage.Fleet, statesetter.Memory, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	f, err := l.store.Fleet(ctx)
	if err != nil {
		return nil, statesetter.Memory{}, err
	}
	m, err := Recall(f)
	switch bad := (storage.MalformedKey{}); {
	case errors.As(err, &bad):
		l.Log.Warn("forgets earlier rounds: grace periods start now, and retiring machines need an approval", "err", err)
	case err != nil:
		return nil, statesetter.Memory{}, err
	case m.At.IsZero():
		l.Log.Info("knows no earlier round: retiring machines need an approval")
	default:
		return f, m, nil
	}
	m = statesetter.Memory{Held: map[string]bool{}}
	for _, j := range all {
		m.Held[j.Machine.Spec.Serial] = j.Machine.Status.State == sabakan.Retiring
	}
	return f, m, nil
}

// remember writes what this round leaves to the next leader, if it differs from before.
func (l *leader) remember(ctx context.Context, before storage.Fleet, m statesetter.Memory) error {
	after, err := Record(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return l.store.PutFleet(ctx, l.guard, before, after)
}

// mostReported is the maximum size of a report in bytes: etcd refuses more than 1.5 MiB.
const mostReported = 1 << 20

// publish writes the report about this round for operators, if it differs from before. Without it,
// rounds go on: a failure is only logged.
func (l *leader) publish(ctx context.Context, before storage.Fleet, r statesetter.Report) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	report, err := json.Marshal(r)
	if err == nil && len(report) > mostReported {
		report, err = json.Marshal(statesetter.Report{Held: append(r.Held, "the reasons of machines are missing: they are more than etcd takes")})
	}
	if err == nil {
		err = l.store.PutFleet(ctx, l.guard, before, storage.Fleet{storage.FleetReport: report})
	}
	if err != nil {
		l.Log.Warn("the report for neco nodes is not written", "err", err)
	}
}

// reported returns the report about the round before, or nothing if it cannot be read.
func reported(f storage.Fleet) statesetter.Report {
	var r statesetter.Report
	if err := f.Decode(storage.FleetReport, &r); err != nil {
		return statesetter.Report{} // the next one replaces it
	}
	return r
}
