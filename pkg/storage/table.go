package storage

import (
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
)

// KeySpec describes a key, or keys with a common prefix, for documents and checks.
type KeySpec struct {
	// Key is the key below Neco's prefix. Parts in angle brackets stand for varying text.
	Key string
	// Value describes the value of the key, and Writer the programs that write it.
	Value, Writer string
	// Reader is the package that decodes the value of the key.
	Reader string
	// Checked reports whether full snapshots list the key as malformed if its name or value
	// does not match this description.
	Checked bool
	// Object reports whether snapshots decode the value as a JSON object, and list the
	// key as malformed if they cannot.
	Object bool
}

// Name returns Key up to the first part in angle brackets.
func (k KeySpec) Name() string {
	name, _, _ := strings.Cut(k.Key, "<")
	return name
}

// scope is the set of keys that a snapshot reads. A greater scope includes the keys of
// the smaller ones.
type scope int

const (
	// unread is the scope of keys that are in no snapshot; the package named in
	// KeySpec.Reader reads them.
	unread scope = iota
	// deciding is the scope of keys on which decisions about updates depend.
	deciding
	// full is the scope that adds the keys which only neco status shows.
	full
)

// row describes one kind of key: its name, its place in snapshots, and its checks. Rows
// are made by the functions below, which take everything that a row needs as
// parameters.
type row struct {
	KeySpec
	// name is the key, or the common prefix of the keys if many is true.
	name string
	many bool
	// scope is the smallest scope that includes the row's keys. area is the prefix that a
	// snapshot reads to get them. A key in the area that matches no row is foreign and
	// listed as malformed.
	scope scope
	area  string
	// put adds a key to a snapshot, and drop removes it; their argument name is the part
	// of the key after row.name. They replace maps and slices instead of changing them,
	// because earlier snapshots share these.
	put  func(s *Snapshot, name string, kv *mvccpb.KeyValue) error
	drop func(s *Snapshot, name string)
	// unstored means that put only checks the key and leaves the snapshot unchanged.
	unstored bool
	// check returns an error if put accepts the value data, but not its own result
	// encoded again. It is nil if the value is not a JSON object.
	check func(data []byte) error
	// malformed is called with the error when put has refused a key, and with nil when
	// the key is dropped. It is nil if listing the key in [Snapshot.Malformed] is enough.
	malformed func(s *Snapshot, name string, err error)
}

// doc describes a row for documents. Its literals omit the field names, so that the
// compiler requires all fields.
type doc struct{ key, value, writer string }

// elsewhere returns the row of a key that is in no snapshot. The package called reader
// decodes the key.
func elsewhere(reader string, d doc) row {
	k := KeySpec{Key: d.key, Value: d.value, Writer: d.writer, Reader: reader}
	return row{KeySpec: k, name: k.Name(), many: k.Name() != d.key}
}

// inSnapshot returns the row of a key that is in snapshots of the scope sc. put adds
// the key to a snapshot, and drop removes it.
func inSnapshot(sc scope, d doc, put func(*Snapshot, string, *mvccpb.KeyValue) error, drop func(*Snapshot, string)) row {
	r := elsewhere("pkg/storage", d)
	r.scope, r.put, r.drop, r.Checked = sc, put, drop, true
	first, _, _ := strings.Cut(d.key, "/")
	r.area = first + "/"
	return r
}

// checked returns the row of a key that full snapshots check with check, and do not
// contain. The package called reader uses the value. The error of check must not contain a
// secret.
func checked(reader string, d doc, check func(data []byte) error) row {
	r := inSnapshot(full, d, func(_ *Snapshot, _ string, kv *mvccpb.KeyValue) error { return check(kv.Value) }, func(*Snapshot, string) {})
	r.Reader, r.unstored = reader, true
	return r
}

// election returns the row of the candidates of an election. field returns the field of
// a snapshot that holds them.
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

// codec decodes data, the value of a key that was written at revision rev.
type codec[T any] func(data []byte, rev int64) (T, error)

// one returns the row of a single key whose value is a JSON object. field returns the
// field of a snapshot that holds the value.
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

// many returns the row of keys with a common prefix whose values are JSON objects.
// field returns the map of a snapshot that holds the values. parse converts the rest of
// a key after the prefix, such as an LRN, to the key of that map.
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

// object returns r with the check for values that are JSON objects.
func object[T any](r row, decode codec[T]) row {
	r.Object = true
	r.check = func(data []byte) error { return checkRoundTrip(data, decode) }
	return r
}

// unreadable returns r with f as the function that is called when a key of the row is
// malformed.
func (r row) unreadable(f func(s *Snapshot, name string, err error)) row {
	r.malformed = f
	return r
}

// afterwards returns r with a put that calls f after it has added a key.
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

// Keys returns the descriptions of all keys of Neco in etcd.
func Keys() []KeySpec {
	var all []KeySpec
	for _, r := range rows {
		all = append(all, r.KeySpec)
	}
	return all
}

// rowOf returns the row of a key, and the rest of the key after the row's name. It
// returns nil if no row matches.
func rowOf(key string) (r *row, name string) {
	for i := range rows {
		r := &rows[i]
		if name, ok := strings.CutPrefix(key, r.name); ok && (r.many || name == "") {
			return r, name
		}
	}
	return nil, ""
}
