package simulation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

// etcd is a model of etcd with revisions, leases and transactions. Its values are Go
// values, which are not encoded.
type etcd struct {
	w      *world
	rev    int64
	keys   map[string]kv
	leases map[int]time.Duration
	lease  int
	// cached is the state that was last read. It is valid while cached.Revision is the
	// current revision.
	cached update.State
}

type kv struct {
	val         any
	create, mod int64
	lease       int
}

func newEtcd(w *world) *etcd {
	return &etcd{w: w, rev: 1, keys: map[string]kv{}, leases: map[int]time.Duration{}}
}

func (e *etcd) put(key string, val any, lease int) int64 {
	e.rev++
	old, ok := e.keys[key]
	n := kv{val, e.rev, e.rev, lease}
	if ok {
		n.create = old.create
	}
	e.keys[key] = n
	e.changed()
	return e.rev
}

func (e *etcd) deletePrefix(prefix string) {
	for _, k := range slices.Collect(maps.Keys(e.keys)) {
		if strings.HasPrefix(k, prefix) {
			delete(e.keys, k)
		}
	}
	e.rev++
	e.changed()
}

func (e *etcd) grant(ttl time.Duration) int {
	e.lease++
	e.leases[e.lease] = e.w.now + ttl
	return e.lease
}

// keepAlive renews the lease id. It returns false if the lease has expired or was
// revoked.
func (e *etcd) keepAlive(id int, ttl time.Duration) bool {
	if _, ok := e.leases[id]; !ok {
		return false
	}
	e.leases[id] = e.w.now + ttl
	return true
}

func (e *etcd) revoke(id int) {
	if _, ok := e.leases[id]; !ok {
		return
	}
	delete(e.leases, id)
	for _, k := range slices.Sorted(maps.Keys(e.keys)) {
		if e.keys[k].lease == id {
			delete(e.keys, k)
		}
	}
	e.rev++
	e.changed()
}

// revokeIf revokes the leases of those keys for which match returns true.
func (e *etcd) revokeIf(match func(string, kv) bool) {
	for _, k := range slices.Sorted(maps.Keys(e.keys)) {
		if v, ok := e.keys[k]; ok && v.lease != 0 && match(k, v) {
			e.revoke(v.lease)
		}
	}
}

// expire revokes the leases that have expired.
func (e *etcd) expire() {
	for _, id := range slices.Sorted(maps.Keys(e.leases)) {
		if e.leases[id] <= e.w.now {
			e.w.log("lease %d expires", id)
			e.revoke(id)
		}
	}
}

// allowed returns nil if the conditions g, under which a write is allowed, hold.
// Otherwise it returns the error that the product's storage would return.
func (e *etcd) allowed(g storage.Guard) error {
	if h, ok := e.keys[g.Holder]; g.Holder != "" && (!ok || h.create != g.HolderRev) {
		return g.Lost
	}
	if _, ok := e.keys[storage.BootServerKey(g.LRN)]; !ok {
		return storage.ErrNotRegistered
	}
	if !g.AnyRequest && e.keys[storage.KeyRequest].mod != g.RequestRev {
		return storage.ErrSuperseded
	}
	return nil
}

// oldest returns the key below prefix that was created first, or "" if there is none.
func (e *etcd) oldest(prefix string) (key string) {
	var least int64
	for k, v := range e.keys {
		if strings.HasPrefix(k, prefix) && (key == "" || v.create < least) {
			key, least = k, v.create
		}
	}
	return key
}

// state returns the current state in the form from which the product decides what to do
// next. Calls at the same revision return the same maps, which must not be modified.
func (e *etcd) state() update.State {
	if e.cached.Revision != e.rev {
		e.cached = e.read()
	}
	return e.cached
}

func (e *etcd) read() update.State {
	s := update.State{
		Revision: e.rev, Statuses: map[int]update.Status{}, Presence: map[int]update.Presence{},
		Records: map[string]update.Record{}, Switches: map[string]update.Switch{},
	}
	for k, v := range e.keys {
		switch val := v.val.(type) {
		case update.Request:
			val.Rev = v.mod
			s.Request = &val
		case statusValue:
			val.Rev = v.mod
			s.Statuses[val.lrn] = val.Status
		case presenceValue:
			s.Presence[val.lrn] = val.Presence
		case update.Record:
			val.Rev = v.mod
			s.Records[strings.TrimPrefix(k, storage.KeyContents)] = val
		case update.Switch:
			val.Rev = v.mod
			s.Switches[strings.TrimPrefix(k, storage.KeySwitch)] = val
		}
	}
	for _, srv := range e.w.servers {
		s.Registered = append(s.Registered, srv.lrn)
	}
	return s
}

// badReleases returns the releases that are marked as bad.
func (e *etcd) badReleases() map[string]storage.BadRelease {
	all := map[string]storage.BadRelease{}
	for k, v := range e.keys {
		if b, ok := v.val.(storage.BadRelease); ok {
			all[strings.TrimPrefix(k, storage.KeyBadReleases)] = b
		}
	}
	return all
}

// statusValue is the value of a server's status key, with the server's logical rack
// number (LRN), which is in the key's name. presenceValue is the same for the presence
// key, which exists while the server's worker has a lease.
type statusValue struct {
	lrn int
	update.Status
}

type presenceValue struct {
	lrn int
	update.Presence
}

// changed notifies all workers and updaters of a change. With FaultWatch, a notification
// may be late, repeated or lost. After a lost notification, they read the change only at
// their next regular read.
func (e *etcd) changed() {
	for _, s := range e.w.servers {
		e.w.wake(s.poke)
	}
	for _, u := range e.w.updaters {
		e.w.wake(u.poke)
	}
}

func (w *world) wake(poke func()) {
	d := w.between(time.Millisecond, 5*time.Millisecond)
	if w.happens(FaultWatch) {
		switch w.rng.IntN(3) {
		case 0:
			return
		case 1:
			d = w.between(time.Second, 20*time.Second)
		default:
			w.after(d+time.Millisecond, poke)
		}
	}
	w.after(d, poke)
}
