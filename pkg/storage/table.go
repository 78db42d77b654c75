package storage

import (
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// KeySpec describes a row of the table of keys, for documents and checks.
type KeySpec struct {
	// Key is the key below Neco's prefix; the parts in angle brackets vary.
	Key string
	// Value and Writer describe the value and its writers for people.
	Value, Writer string
	// Reader is the package that decodes the value.
	Reader string
	// Object reports whether snapshots decode the value as a JSON object and name
	// a key whose value they cannot decode.
	Object bool
}

// Name returns Key up to its first varying part.
func (k KeySpec) Name() string {
	name, _, _ := strings.Cut(k.Key, "<")
	return name
}

// scope selects the rows of a snapshot; a larger scope includes the smaller.
type scope int

const (
	// unread rows are in no snapshot; the package in Reader reads them.
	unread scope = iota
	// deciding rows are those on which decisions about updates depend.
	deciding
	// full adds the rows that only neco status shows.
	full
)

// row describes one kind of key. The constructors below require a parameter for
// everything that a row needs, so that no field can be forgotten.
type row struct {
	KeySpec
	// name is the key, or the prefix if many is true.
	name string
	many bool
	// scope is the smallest scope that includes the row. area is the prefix that a
	// snapshot reads for the row; keys in that area without a row are foreign.
	scope scope
	area  string
	// put adds a key to a snapshot, and drop removes it; name is the varying part of
	// the key. Both replace maps and slices instead of changing them, because earlier
	// snapshots share them.
	put  func(s *Snapshot, name string, kv *mvccpb.KeyValue) error
	drop func(s *Snapshot, name string)
	// check decodes a value, encodes the result and decodes it again; nil if the value
	// is not an object.
	check func(data []byte) error
	// malformed is called with the error if put has refused a key, and with nil when
	// that key is dropped. It is nil if [Snapshot.Malformed] is enough.
	malformed func(s *Snapshot, name string, err error)
}

// doc describes a row for people. It is written without field names, so that the
// compiler requires every field.
type doc struct{ key, value, writer string }

// elsewhere makes the row of a key that is in no snapshot; the package reader decodes
// it.
func elsewhere(reader string, d doc) row {
	k := KeySpec{Key: d.key, Value: d.value, Writer: d.writer, Reader: reader}
	return row{KeySpec: k, name: k.Name(), many: k.Name() != d.key}
}

// inSnapshot makes the row of a key that is in snapshots.
func inSnapshot(sc scope, d doc, put func(*Snapshot, string, *mvccpb.KeyValue) error, drop func(*Snapshot, string)) row {
	r := elsewhere("pkg/storage", d)
	r.scope, r.put, r.drop = sc, put, drop
	first, _, _ := strings.Cut(d.key, "/")
	r.area = first + "/"
	return r
}

// election makes the row of the candidates of an election.
func election(sc scope, d doc, field func(*Snapshot) *Election) row {
	r := inSnapshot(sc, d, func(s *Snapshot, name string, kv *mvccpb.KeyValue) error {
		f := field(s)
		*f = cloneWith(*f, name, Candidate{string(kv.Value), kv.CreateRevision})
		return nil
	}, func(s *Snapshot, name string) {
		f := field(s)
		*f = cloneWithout(*f, name)
	})
	r.area = r.name
	return r
}

// codec decodes the value of one kind of key, written at revision rev.
type codec[T any] func(data []byte, rev int64) (T, error)

// one makes the row of a single key with a JSON object, which is stored in a field of
// the snapshot.
func one[T any](sc scope, d doc, decode codec[T], field func(*Snapshot) *T) row {
	r := inSnapshot(sc, d, func(s *Snapshot, _ string, kv *mvccpb.KeyValue) error {
		v, err := decode(kv.Value, kv.ModRevision)
		if err == nil {
			*field(s) = v
		}
		return err
	}, func(s *Snapshot, _ string) {
		var none T
		*field(s) = none
	})
	return object(r, decode)
}

// many makes the row of a prefix of keys with JSON objects. parse reads the rest of a
// key, such as an LRN, as the key K of the map in the snapshot.
func many[K comparable, T any](sc scope, d doc, parse func(string) (K, error), decode codec[T], field func(*Snapshot) *map[K]T) row {
	r := inSnapshot(sc, d, func(s *Snapshot, name string, kv *mvccpb.KeyValue) error {
		k, err := parse(name)
		if err != nil {
			return err
		}
		v, err := decode(kv.Value, kv.ModRevision)
		if err == nil {
			f := field(s)
			*f = cloneWith(*f, k, v)
		}
		return err
	}, func(s *Snapshot, name string) {
		if k, err := parse(name); err == nil {
			f := field(s)
			*f = cloneWithout(*f, k)
		}
	})
	return object(r, decode)
}

// object completes the row of a key whose value is a JSON object.
func object[T any](r row, decode codec[T]) row {
	r.Object = true
	r.check = func(data []byte) error { return checkRoundTrip(data, decode) }
	return r
}

// unreadable returns the row with f as the function that is called for malformed keys.
func (r row) unreadable(f func(s *Snapshot, name string, err error)) row {
	r.malformed = f
	return r
}

// afterwards returns the row with f called after put has added a key.
func (r row) afterwards(f func(s *Snapshot, name string)) row {
	put := r.put
	r.put = func(s *Snapshot, name string, kv *mvccpb.KeyValue) error {
		err := put(s, name, kv)
		if err == nil {
			f(s, name)
		}
		return err
	}
	return r
}

// Keys lists every key of Neco in etcd, below the prefix.
func Keys() []KeySpec {
	var all []KeySpec
	for _, r := range rows {
		all = append(all, r.KeySpec)
	}
	return all
}

// rowOf returns the row of a key and the varying part of the key, or nil if there is no
// such row.
func rowOf(key string) (r *row, name string) {
	for i := range rows {
		r := &rows[i]
		if name, ok := strings.CutPrefix(key, r.name); ok && (r.many || name == "") {
			return r, name
		}
	}
	return nil, ""
}
