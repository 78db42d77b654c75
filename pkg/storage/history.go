package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// Result is the way in which a run has ended, or ResultRunning.
type Result string

// The results of a run.
const (
	ResultRunning  Result = "running"
	ResultComplete Result = "complete"
	ResultAborted  Result = "aborted"
	ResultTimeout  Result = "timeout"
	ResultStopped  Result = "stopped"
)

// Run is a record of the history: a run or, depending on Kind, an [Act] of an operator.
// The record of an act has no version, servers, end or result. neco recover does not
// delete records.
type Run struct {
	Kind Kind `json:"kind,omitempty"`
	// What is why the run was requested, or describes the act.
	What    string `json:"what,omitempty"`
	Version string `json:"version,omitempty"`
	Servers []int  `json:"servers,omitempty"`
	// By is the leader that requested the run, or the operator of the act.
	By        string     `json:"by"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Result    Result     `json:"result,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// Origin is the reason for a run and its requester.
type Origin struct {
	Kind Kind
	// By is the host name of the updater that requests the run, or names the operator.
	By string
	// What is why the run is requested, as text for people.
	What string
}

// historyKept is how many runs, and how many acts, the history keeps.
const historyKept = 100

// historyTime is the format of times in the keys of the history. Its fixed width makes
// the keys sort by time.
const historyTime = "2006-01-02T15:04:05.000000000Z"

func historyKey(r update.RunID) string {
	return KeyHistory + r.StartedAt.UTC().Format(historyTime)
}

// beginRun returns the operation that adds the run of r to the history.
func beginRun(r *update.Request, o Origin) (clientv3.Op, error) {
	data, err := json.Marshal(Run{Kind: o.Kind, What: o.What, Version: r.Version, Servers: r.Members(), By: o.By, StartedAt: r.StartedAt, Result: ResultRunning})
	return clientv3.OpPut(historyKey(r.ID()), string(data)), err
}

// HasHistory reports whether the history has a record of the run id. It has none of a
// run that was requested by cybozu-go/neco, which this Neco replaces.
func (s *Storage) HasHistory(ctx context.Context, id update.RunID) (bool, error) {
	res, err := s.etcd.Get(ctx, historyKey(id), clientv3.WithCountOnly())
	if err != nil {
		return false, fmt.Errorf("history of run %s: %w", id, err)
	}
	return res.Count > 0, nil
}

// EndRun records in the history how and when the run with the given id ended. It does nothing if
// the history has no record of the run or already contains the run's end.
func (s *Storage) EndRun(ctx context.Context, id update.RunID, result Result, reason string, at time.Time) error {
	key := historyKey(id)
	res, err := s.etcd.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("end run %s: %w", id, err)
	}
	if len(res.Kvs) == 0 {
		return nil
	}
	var run Run
	if err := decode(res.Kvs[0].Value, &run); err != nil {
		return MalformedKey{Key: key, Err: err}
	}
	if run.EndedAt != nil {
		return nil
	}
	run.EndedAt, run.Result, run.Reason = &at, result, reason
	data, err := json.Marshal(run)
	if err != nil {
		return err
	}
	// If another process has ended the run first, its result remains.
	_, err = s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.ModRevision(key), "=", res.Kvs[0].ModRevision)).
		Then(clientv3.OpPut(key, string(data))).Commit()
	if err != nil {
		return fmt.Errorf("end run %s: %w", id, err)
	}
	return nil
}

// History returns the recorded runs and acts, oldest first, and the keys that are
// malformed.
func (s *Storage) History(ctx context.Context) ([]Run, []MalformedKey, error) {
	res, err := s.etcd.Get(ctx, KeyHistory, clientv3.WithPrefix())
	if err != nil {
		return nil, nil, fmt.Errorf("read history: %w", err)
	}
	var runs []Run
	var bad []MalformedKey
	for _, kv := range res.Kvs {
		var run Run
		err := decode(kv.Value, &run)
		if err == nil && (run.Version == "" && !run.Kind.act() || run.StartedAt.IsZero()) {
			err = errors.New("it has no version or no started_at")
		}
		if err != nil {
			bad = append(bad, MalformedKey{Key: string(kv.Key), Err: err, Rev: kv.ModRevision})
			continue
		}
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b Run) int { return a.StartedAt.Compare(b.StartedAt) })
	return runs, bad, nil
}

// TrimHistory deletes all but the newest historyKept runs and the newest historyKept
// acts.
func (s *Storage) TrimHistory(ctx context.Context) error {
	res, err := s.etcd.Get(ctx, KeyHistory, clientv3.WithPrefix(), clientv3.WithKeysOnly(),
		clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend))
	if err != nil {
		return fmt.Errorf("read history: %w", err)
	}
	kept := map[bool]int{}
	for _, kv := range slices.Backward(res.Kvs) {
		key := string(kv.Key)
		if kept[ofRun(key)]++; kept[ofRun(key)] <= historyKept {
			continue
		}
		if _, err := s.etcd.Delete(ctx, key); err != nil {
			return fmt.Errorf("trim history: %w", err)
		}
	}
	return nil
}
