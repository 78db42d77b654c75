package cli

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/status"
)

// TestWhatAVaultSaysCountsWhenItSaysItTwice: a Vault that an update restarts does not
// answer for a moment, while one that needs an operator gives the same answer twice.
func TestWhatAVaultSaysCountsWhenItSaysItTwice(t *testing.T) {
	answers := []map[int]string{
		{0: "", 1: "Vault is sealed", 2: ""},
		{0: "Vault does not answer", 1: "Vault is sealed", 2: ""},
		{0: "", 1: "Vault is sealed", 2: ""},
		{0: "", 1: "", 2: ""},
		{0: "", 1: "", 2: ""},
	}
	want := []map[int]string{{}, {1: "Vault is sealed"}, {1: "Vault is sealed"}, {}, {}}
	asked := 0
	w := probes{etcd: func(context.Context) membership.Cluster { return nil }, ask: func(_ context.Context, lrns []int) map[int]string {
		if !slices.Equal(lrns, []int{0, 1, 2}) {
			t.Errorf("asked are %v, not the registered ones", lrns)
		}
		asked++
		return answers[asked-1]
	}}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for i := range answers {
		for range 3 { // the picture is drawn more often than the Vaults are queried
			v := status.View{At: now, Servers: []status.Server{
				{LRN: 0, Registered: true}, {LRN: 1, Registered: true}, {LRN: 2, Registered: true}, {LRN: 7},
			}}
			w.add(t.Context(), &v)
			got := map[int]string{}
			for _, s := range v.Servers {
				if s.Vault != "" {
					got[s.LRN] = s.Vault
				}
			}
			if !maps.Equal(got, want[i]) || asked != i+1 {
				t.Errorf("after %d answers (asked %d times): %v, want %v", i+1, asked, got, want[i])
			}
			now = now.Add(vaultEvery / 3)
		}
		now = now.Add(time.Second)
	}
}
