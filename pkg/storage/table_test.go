package storage

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// keyValue returns a key as etcd returns it.
func keyValue(key, value string) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: []byte(key), Value: []byte(value), ModRevision: 7, CreateRevision: 7}
}

// withKey returns a copy of the snapshot s in which key has the given value.
func withKey(s *Snapshot, key, value string) *Snapshot {
	n := *s
	n.put(full, keyValue(key, value))
	return &n
}

func TestARowTakesItsSampleAndGivesItBack(t *testing.T) {
	for _, sample := range Samples(t) {
		empty := newSnapshot(0)
		s := withKey(empty, sample.Key, sample.Good)
		if len(s.Malformed) > 0 {
			t.Errorf("%s: %v", sample.Key, s.Malformed)
		}
		if r, _ := rowOf(sample.Key); reflect.DeepEqual(s, empty) != r.unstored {
			t.Errorf("%s: want it in the snapshot: %t", sample.Key, !r.unstored)
		}
		for _, value := range append(sample.Bad, sample.Good) {
			n := *withKey(empty, sample.Key, value)
			if bad := slices.Contains(sample.Bad, value); (len(n.Malformed) == 1) != bad {
				t.Errorf("%s=%.20q: malformed %v", sample.Key, value, n.Malformed)
			}
			n.drop(full, sample.Key)
			if diff := cmp.Diff(newSnapshot(0), &n, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s=%.20q leaves something when it is dropped:\n%s", sample.Key, value, diff)
			}
			if diff := cmp.Diff(newSnapshot(0), empty); diff != "" {
				t.Fatalf("%s changes an earlier snapshot:\n%s", sample.Key, diff)
			}
		}
	}
}

// TestEveryFieldOfASnapshotHasARow: with all samples, every field differs from an empty
// snapshot.
func TestEveryFieldOfASnapshotHasARow(t *testing.T) {
	s := newSnapshot(0)
	for _, sample := range Samples(t) {
		s = withKey(s, sample.Key, sample.Good)
	}
	for _, malformed := range []string{KeySwitch + "x", KeyRequest} {
		s = withKey(s, malformed, "{")
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Snapshot]()) {
		if f.Anonymous || f.Name == "Revision" {
			continue
		}
		of := func(s *Snapshot) any { return reflect.ValueOf(s).Elem().FieldByIndex(f.Index).Interface() }
		if reflect.DeepEqual(of(s), of(newSnapshot(0))) {
			t.Errorf("no row sets %s", f.Name)
		}
	}
}

func TestTheRowsAreComplete(t *testing.T) {
	for i := range rows {
		r := &rows[i]
		if r.KeySpec.Key == "" || r.Value == "" || r.Writer == "" || r.Reader == "" {
			t.Errorf("%+v: something is missing", r.KeySpec)
		}
		if (r.scope == unread) != (r.put == nil) || (r.put == nil) != (r.drop == nil) || r.Object != (r.check != nil) {
			t.Errorf("%s: it is neither read elsewhere nor in snapshots", r.KeySpec.Key)
		}
		if found, _ := rowOf(r.name + strings.Repeat("1", len(r.KeySpec.Key)-len(r.name))); found == nil || found.name != r.name {
			t.Errorf("%s: another row, %v, has its keys", r.KeySpec.Key, found)
		}
	}
}

func TestEveryFieldOfTheConfigurationHasOneKey(t *testing.T) {
	set := map[string][]string{}
	for _, k := range configKeys {
		if k.set == nil {
			t.Fatalf("%s does not say which field it sets", k.Name)
		}
		c := defaults()
		k.set(&c, "7h")
		old, v := reflect.ValueOf(defaults()), reflect.ValueOf(c)
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; !v.Field(i).Equal(old.Field(i)) {
				set[name] = append(set[name], k.Name)
			}
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if got := set[f.Name]; len(got) != 1 {
			t.Errorf("%s is set by the keys %q", f.Name, got)
		}
	}
	want := Config{Env: "none", CheckInterval: DefaultCheckInterval, WorkerTimeout: DefaultWorkerTimeout, ReleaseTime: defaults().ReleaseTime, ReleaseTimezone: "Asia/Tokyo"}
	if diff := cmp.Diff(want, defaults()); diff != "" {
		t.Errorf("defaults: %s", diff)
	}
}

// TestAWorkerDoesNotReadWhatOnlyStatusShows: workers would decide too often, because
// heartbeats change every few seconds.
func TestAWorkerDoesNotReadWhatOnlyStatusShows(t *testing.T) {
	for key, want := range map[string]bool{
		KeyHeartbeats + "0": false, KeyCerts + "0": false, KeyBackups + "x": false, KeyUpdaterLeader + "/1": false,
		KeyRequest: true, KeyPresence + "0": true, "info/stray": true, "stray": false, KeyVaultUnseal: false,
	} {
		if got := deciding.reads(key); got != want {
			t.Errorf("%s: %t", key, got)
		}
		if !want && !strings.HasPrefix(key, "stray") && key != KeyVaultUnseal && !full.reads(key) {
			t.Errorf("status does not read %s", key)
		}
	}
}

// FuzzDecode checks that no key and no value makes the table of keys panic, and that a
// decoder which accepts a value also accepts its own result encoded again.
func FuzzDecode(f *testing.F) {
	for _, s := range Samples(f) {
		for _, value := range append(s.Bad, s.Good) {
			if len(value) < maxValue { // minimizing a longer value takes minutes
				f.Add([]byte(value))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for i := range rows {
			r := &rows[i]
			if r.check != nil {
				if err := r.check(data); err != nil {
					t.Fatalf("%s: %q was accepted, and what it says is not: %v", r.KeySpec.Key, data, err)
				}
			}
			for key, value := range map[string]string{r.name + string(data): "{}", r.name + "1": string(data), r.name: string(data)} {
				s := withKey(newSnapshot(0), key, value)
				if s.drop(full, key); len(s.Malformed) > 0 {
					t.Fatalf("%s=%q leaves something: %v", key, value, s.Malformed)
				}
			}
		}
		if r, err := decodeRequest(data, 1); err == nil {
			text, err := encodeRequest(r)
			if err == nil && len(text) <= maxValue {
				_, err = decodeRequest([]byte(text), 1)
			}
			if err != nil {
				t.Fatal(fmt.Errorf("%q, with its unknown fields: %w", data, err))
			}
		}
	})
}
