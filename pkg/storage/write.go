package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/update"
)

// PutStatus writes the status of the worker on the boot server lrn and returns the
// revision of the write.
func (s *Storage) PutStatus(ctx context.Context, g Guard, lrn int, st update.Status) (int64, error) {
	v, err := encodeStatus(st)
	if err != nil {
		return 0, err
	}
	return s.commit(ctx, "write status", g, nil, clientv3.OpPut(StatusKey(lrn), v))
}

// PutRecord writes the outcome of an action that one boot server does for all (see
// [update.Once]), and returns the revision of the write. name is the name of the
// record.
func (s *Storage) PutRecord(ctx context.Context, g Guard, name string, rec update.Record) (int64, error) {
	v, err := json.Marshal(rec)
	if err != nil {
		return 0, err
	}
	return s.commit(ctx, "write record "+name, g, nil, clientv3.OpPut(KeyContents+name, string(v)))
}

// PutSwitch writes the switch of a group of programs, see [update.Switch], and returns
// the revision of the write. It returns ErrSuperseded if the switch was not last
// written at the revision seen; seen is 0 if the caller has found no switch.
func (s *Storage) PutSwitch(ctx context.Context, g Guard, group string, sw update.Switch, seen int64) (int64, error) {
	v, err := json.Marshal(sw)
	if err != nil {
		return 0, err
	}
	key := KeySwitch + group
	return s.commit(ctx, "write switch "+group, g, []clientv3.Cmp{unchanged(key, seen)}, clientv3.OpPut(key, string(v)))
}

// NewRequest requests the run r, adds the run to the history and returns the revision
// of the write. If clear is true, the same transaction deletes all statuses and all
// outcomes that [Storage.PutRecord] has written.
func (s *Storage) NewRequest(ctx context.Context, g Guard, r *update.Request, o Origin, clear bool) (int64, error) {
	v, err := encodeRequest(r)
	if err != nil {
		return 0, err
	}
	begin, err := beginRun(r, o)
	if err != nil {
		return 0, err
	}
	ops := []clientv3.Op{clientv3.OpPut(KeyRequest, v), begin}
	if clear {
		ops = append(ops,
			clientv3.OpDelete(KeyStatuses, clientv3.WithPrefix()),
			clientv3.OpDelete(KeyContents, clientv3.WithPrefix()))
	}
	return s.commit(ctx, "write request", g, nil, ops...)
}

// StopRequest marks the request r as stopped and returns the revision of the write. It
// returns ErrSuperseded if the request has changed since r was read.
func (s *Storage) StopRequest(ctx context.Context, g Guard, r *update.Request, outcome update.Outcome, reason string) (int64, error) {
	stopped := *r
	stopped.Stop, stopped.Outcome, stopped.Reason = true, outcome, reason
	v, err := encodeRequest(&stopped)
	if err != nil {
		return 0, err
	}
	g.AnyRequest, g.RequestRev = false, r.Rev
	return s.commit(ctx, "stop run", g, nil, clientv3.OpPut(KeyRequest, v))
}

// Recover deletes the request, all statuses and all outcomes that [Storage.PutRecord]
// has written, and records the act a. It returns ErrSuperseded if the request was not
// last written at revision rev.
func (s *Storage) Recover(ctx context.Context, rev int64, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	g := Guard{LRN: -1, RequestRev: rev}
	_, err = s.commit(ctx, "recover", g, nil, append(ops,
		clientv3.OpDelete(KeyStatus, clientv3.WithPrefix()),
		clientv3.OpDelete(KeyContents, clientv3.WithPrefix()))...)
	return err
}

// PutRelease writes the newest known version.
func (s *Storage) PutRelease(ctx context.Context, g Guard, version string) error {
	g.AnyRequest = true
	_, err := s.commit(ctx, "write release", g, nil, clientv3.OpPut(KeyRelease, version))
	return err
}

// PutInstalled records which version of a container or package is installed. key is a
// [ContainerKey] or [DebKey], and value is the version. It writes nothing if the same
// value is already stored.
func (s *Storage) PutInstalled(ctx context.Context, g Guard, key, value string) error {
	res, err := s.etcd.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if len(res.Kvs) == 1 && string(res.Kvs[0].Value) == value {
		return nil
	}
	_, err = s.commit(ctx, "write "+key, g, nil, clientv3.OpPut(key, value))
	return err
}

// Register registers the boot server with the logical rack number (LRN) lrn.
func (s *Storage) Register(ctx context.Context, lrn int) error {
	if _, err := s.etcd.Put(ctx, BootServerKey(lrn), ""); err != nil {
		return fmt.Errorf("register boot server %d: %w", lrn, err)
	}
	return nil
}

// Unregister deletes the registration and the other keys of the boot server lrn, and
// records the act a. It returns [ErrNotRegistered] if lrn is not registered, and
// [ErrSuperseded] if, since the snapshot seen was read, the request has changed or
// another boot server was unregistered.
func (s *Storage) Unregister(ctx context.Context, seen *Snapshot, lrn int, a Act) error {
	ops, err := a.ops()
	if err != nil {
		return err
	}
	g := Guard{LRN: lrn}
	if seen.Request != nil {
		g.RequestRev = seen.Request.Rev
	}
	// If two servers leave at the same moment, the second removal might cost the others
	// their majority.
	var stay []clientv3.Cmp
	for _, n := range seen.Registered {
		stay = append(stay, clientv3.Compare(clientv3.CreateRevision(BootServerKey(n)), ">", 0))
	}
	_, err = s.commit(ctx, fmt.Sprintf("unregister boot server %d", lrn), g, stay, append(ops,
		clientv3.OpDelete(BootServerKey(lrn)),
		clientv3.OpDelete(StatusKey(lrn)),
		clientv3.OpDelete(certificatesKey(lrn)),
		clientv3.OpDelete(backupKey(lrn)),
		clientv3.OpDelete(heartbeatKey(lrn)),
		clientv3.OpDelete(fmt.Sprintf("%s%d/", KeyInstall, lrn), clientv3.WithPrefix()))...)
	return err
}

// Notified returns the kinds of notices that were sent about a run, and the revision at
// which the list of these kinds was written.
func (s *Storage) Notified(ctx context.Context, run update.RunID) ([]string, int64, error) {
	res, err := s.etcd.Get(ctx, notifiedKey(run))
	if err != nil || len(res.Kvs) == 0 {
		return nil, 0, err
	}
	var kinds []string
	if err := json.Unmarshal(res.Kvs[0].Value, &kinds); err != nil {
		return nil, res.Kvs[0].ModRevision, MalformedKey{Key: notifiedKey(run), Err: err}
	}
	return kinds, res.Kvs[0].ModRevision, nil
}

// PutNotified records the kinds of notices that were sent about a run.
func (s *Storage) PutNotified(ctx context.Context, g Guard, run update.RunID, kinds []string) error {
	v, err := json.Marshal(kinds)
	if err != nil {
		return err
	}
	g.AnyRequest = true
	_, err = s.commit(ctx, "record notice", g, nil, clientv3.OpPut(notifiedKey(run), string(v)))
	return err
}

// TrimNotified deletes the records of sent notices for all runs except keep.
func (s *Storage) TrimNotified(ctx context.Context, keep update.RunID) error {
	res, err := s.etcd.Get(ctx, KeyNotified, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return fmt.Errorf("read %s: %w", KeyNotified, err)
	}
	for _, kv := range res.Kvs {
		if key := string(kv.Key); key != notifiedKey(keep) {
			if _, err := s.etcd.Delete(ctx, key); err != nil {
				return fmt.Errorf("delete %s: %w", key, err)
			}
		}
	}
	return nil
}

func notifiedKey(run update.RunID) string {
	return KeyNotified + run.StartedAt.UTC().Format(time.RFC3339Nano)
}

// PutPresence creates the presence of the worker on the boot server lrn, bound to the
// worker's lease. It returns the revision of the write; the worker's later writes
// require that this revision is unchanged. It fails while the presence is bound to
// another lease.
func (s *Storage) PutPresence(ctx context.Context, lrn int, p update.Presence, lease clientv3.LeaseID) (int64, error) {
	v, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	key := PresenceKey(lrn)
	res, err := s.etcd.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, string(v), clientv3.WithLease(lease))).Commit()
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", key, err)
	}
	if !res.Succeeded {
		return 0, fmt.Errorf("write %s: another lease of boot server %d is alive", key, lrn)
	}
	return res.Header.Revision, nil
}
