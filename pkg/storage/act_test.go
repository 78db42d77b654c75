package storage_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/storage"
)

// TestActsDoNotDriveRunsOutOfTheHistory: old acts and old runs are deleted independently
// of each other.
func TestActsDoNotDriveRunsOutOfTheHistory(t *testing.T) {
	s := newStorage(t)
	env, err := storage.FindConfigKey("env")
	if err != nil {
		t.Fatal(err)
	}
	r := request(0)
	if _, err := s.NewRequest(t.Context(), storage.Guard{LRN: -1}, r, storage.Origin{Kind: storage.KindRelease, By: "boot-0"}, false); err != nil {
		t.Fatal(err)
	}
	for i := range 120 {
		a := storage.Act{Kind: storage.KindConfig, By: "alice@boot-0", At: started.Add(time.Duration(i) * time.Second), What: fmt.Sprint(i)}
		if err := s.PutConfig(t.Context(), env, "test", a); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.TrimHistory(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, bad, err := s.History(t.Context())
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	kinds := map[storage.Kind]int{}
	for _, r := range all {
		kinds[r.Kind]++
	}
	if kinds[storage.KindRelease] != 1 || kinds[storage.KindConfig] != 100 || all[len(all)-1].What != "119" {
		t.Errorf("left are %v, the last is %+v", kinds, all[len(all)-1])
	}
}
