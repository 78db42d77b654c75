package storage_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestWeightsOfRolesAreKept(t *testing.T) {
	s := newStorage(t)
	want := func(w map[string]float64) {
		t.Helper()
		got, err := s.CKEWeights(t.Context())
		if diff := cmp.Diff(w, got); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	}
	want(map[string]float64{})
	act := storage.Act{Kind: storage.KindConfig, By: "a@b", At: started, What: "the weight of ss is set to 1"}
	for role, w := range map[string]float64{"cs": 18, "ss": 1.5} {
		if err := s.SetCKEWeight(t.Context(), role, w, act); err != nil {
			t.Fatal(err)
		}
	}
	want(map[string]float64{"cs": 18, "ss": 1.5})
	if v := all(t, s)[storage.KeyCKEWeight]; v != `{"cs":18,"ss":1.5}` {
		t.Errorf("stored is %s", v)
	}
	history := 0
	for key := range all(t, s) {
		if strings.HasPrefix(key, storage.KeyHistory) {
			history++
		}
	}
	if history != 1 {
		t.Errorf("%d acts at one time", history)
	}
	for i, removed := range []bool{true, false} {
		if got, err := s.UnsetCKEWeight(t.Context(), "cs", storage.Act{}); got != removed || err != nil {
			t.Errorf("removal %d: %t, %v", i, got, err)
		}
	}
	want(map[string]float64{"ss": 1.5})
}

func TestMalformedWeightsAreNotReplaced(t *testing.T) {
	for _, value := range []string{"null", "18", `{"cs": "18"}`, ""} {
		s := newStorage(t)
		put(t, s, storage.KeyCKEWeight, value)
		_, err := s.CKEWeights(t.Context())
		setErr := s.SetCKEWeight(t.Context(), "cs", 1, storage.Act{})
		var bad storage.MalformedKey
		if !errors.As(err, &bad) || !errors.As(setErr, &bad) || bad.Key != storage.KeyCKEWeight {
			t.Errorf("%q: %v, %v", value, err, setErr)
		}
		if v := all(t, s)[storage.KeyCKEWeight]; v != value {
			t.Errorf("%q is replaced by %q", value, v)
		}
	}
}
